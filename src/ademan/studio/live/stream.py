"""One camera's stream: frames and commands in, and what its browser is told. Used in one event loop."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np

from ademan.clip import Clip, is_seen
from ademan.errors import AdemanError
from ademan.recognition.taken import as_taken
from ademan.server.allowance import Allowance
from ademan.studio.data import StudioError, now_ms
from ademan.studio.data.clips import Clips, Guess
from ademan.studio.data.predictions import Predictions, Said
from ademan.studio.live.config import LiveConfig
from ademan.studio.live.detectors import Detectors, Feed, Follower
from ademan.studio.live.errors import LiveError
from ademan.studio.live.eyes import Eyes, Named, Picture, Seen
from ademan.studio.live.happened import Happened
from ademan.studio.live.ledger import Ledger
from ademan.studio.live.models import LiveModel, Shown
from ademan.studio.live.moments import Moments
from ademan.studio.live.takes import Takes, seen_share
from ademan.studio.live.wire import number_of, places, read_command, read_picture, shape_of

log = logging.getLogger("ademan.studio")
_STORED_EVERY_S: Final = 1.0
_COMMANDS_A_SECOND: Final = 20.0
_MOST_GARBAGE: Final = 20
_MOST_TASKS: Final = 8
_LAST_S: Final = 5.0
Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Desk:
    """What all streams of a process share."""

    config: LiveConfig
    detectors: Detectors
    ledger: Ledger
    moments: Moments
    clips: Clips
    predictions: Predictions


class Stream:
    """One camera of one person.

    Args:
        desk: what all streams share.
        user_id: of the person.
        login_id: by which they are logged in.
        shown: what the set shows.
        send: tells the browser something, without waiting.
        end: ends the connection, with a code of WebSockets and a reason.
    """

    def __init__(
        self, desk: Desk, user_id: int, login_id: int, shown: Shown, send: Tell, end: Callable[[int, str], None]
    ) -> None:
        self._desk, self.user_id, self.login_id, self._send, self.end = desk, user_id, login_id, send, end
        self._shown = shown
        self.heard_s = time.monotonic()
        """When the last frame came."""
        skeleton = shown.gestures.skeleton
        self._eyes = Eyes(shown.model, desk.config.most_side)
        loop = asyncio.get_running_loop()
        self._feed = Feed(shown.gestures.landmarks, partial(self._look, loop), partial(self._fail, loop))
        self._takes = Takes(skeleton)
        self._happened = Happened(user_id, skeleton, desk.ledger, desk.moments, self._send)
        self._last = Picture(-1, -1.0, b"", 0.0)
        self._pending: set[int] = set()  # numbers of frames that are yet to be answered
        self._stored_s = 0.0
        self._garbage = 0
        self._may_send, self._may_ask = Allowance(), Allowance()
        self._keeping: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._commands: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "begin": self._begin, "end": self._end, "keep": self._keep, "drop": self._drop, "rest": self._rest,
            "background": self._background, "correct": self._correct,
        }  # fmt: skip

    @property
    def set_id(self) -> int:
        """Of the set that is watched."""
        return self._shown.gestures.id

    def show(self, shown: Shown) -> None:
        """Go on with another model, and tell the browser of it."""
        self._shown = shown
        self._eyes.wanted = shown.model
        self.greet()

    def greet(self) -> None:
        """Tell the browser what it needs to know."""
        gestures, model = self._shown.gestures, self._shown.model
        told = {
            "id": gestures.id, "name": gestures.name, "landmarks": gestures.landmarks, "idle": gestures.idle,
            "gestures": [vars(gesture) for gesture in gestures.gestures],
        }  # fmt: skip
        shape = shape_of(gestures.skeleton)
        self._send({"kind": "ready", "set": told, "shape": shape, "model": model.to_json() if model else None})
        if self._shown.problem:
            self._send(LiveError("model", self._shown.problem).to_json())

    def take(self, content: bytes | str) -> None:
        """Take a frame or a command; what is wrong with it is told, and too much garbage ends the stream."""
        try:
            if isinstance(content, bytes):
                self._take_picture(content)
            else:
                self._take_command(content)
        except LiveError as trouble:
            self._tell_trouble(trouble)

    async def close(self) -> None:
        """Look at no more frames, end what was begun, and write down the end of a gesture that goes on."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LAST_S)
        await asyncio.to_thread(self._desk.detectors.leave, self._feed)
        for happening in self._eyes.finish():
            self._happened.tell(happening, 0.0)

    def _take_picture(self, content: bytes) -> None:
        self.heard_s = time.monotonic()
        picture = read_picture(content, self._desk.config)
        if picture.number <= self._last.number or picture.time_ms <= self._last.time_ms:
            message = "Numbers and times of frames must rise from one to the next."
            raise LiveError("time", message, is_garbage=True, number=picture.number)
        self._last = picture
        if not self._may_send.take(self._desk.config.most_fps):
            self._skip(picture)
            return
        self._pending.add(picture.number)
        before = self._desk.detectors.offer(self._feed, picture)
        if before is not None:
            self._skip(before)

    def _skip(self, picture: Picture) -> None:
        self._send({"kind": "skipped", "number": picture.number})
        self._settle(picture.number)

    def _look(self, loop: asyncio.AbstractEventLoop, picture: Picture, follower: Follower) -> None:
        """Look at a frame, in a thread."""
        seen = self._eyes.look(picture, follower)
        with suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(self._take_seen, seen)

    def _fail(self, loop: asyncio.AbstractEventLoop, picture: Picture) -> None:
        """Say that a frame could not be looked at, in a thread."""
        failed = LiveError("failed", "A fault of the studio; its log says more.", number=picture.number)
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._take_seen, Seen(picture.number, picture.time_ms, trouble=failed))

    def _take_seen(self, seen: Seen) -> None:
        if seen.trouble is not None:
            self._tell_trouble(seen.trouble)
        elif seen.points is not None:
            self._send({
                "kind": "points", "number": seen.number, "time_ms": seen.time_ms,
                "points": places(seen.points, seen.size_wh), "seen": round(float(is_seen(seen.points[None]).mean()), 3),
                "latency_ms": round(seen.latency_ms, 1),
            })  # fmt: skip
        if seen.named is not None:
            self._tell_named(seen.named, seen)
        self._happened.add(seen)
        self._takes.add(seen)
        self._settle(seen.number)

    def _tell_named(self, named: Named, seen: Seen) -> None:
        labels, best = named.model.manifest.labels, int(np.argmax(named.probabilities))
        confidence = min(1.0, float(named.probabilities[best]))
        self._send({
            "kind": "prediction", "time_ms": seen.time_ms, "label": labels[best], "confidence": round(confidence, 4),
            "gesture": named.active,
            "shares": dict(zip(labels, named.probabilities.astype(np.float64).round(4).tolist(), strict=True)),
        })  # fmt: skip
        now_s = time.monotonic()
        if now_s - self._stored_s >= _STORED_EVERY_S:
            self._stored_s = now_s
            said = Said(now_ms(), "prediction", named.model.id, labels[best], confidence, seen.latency_ms, self.user_id)
            self._desk.ledger.note(said)

    def _settle(self, number: int = -1) -> None:
        """Note that a frame was answered, and show a clip of which no frame is still on its way."""
        self._pending.discard(number)
        try:
            done = self._takes.finished(min(self._pending, default=self._last.number + 1))
        except LiveError as trouble:
            self._tell_trouble(trouble)
            return
        if done is not None:
            self._spawn(self._show_clip(*done))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the frames that come meanwhile."""
        task = asyncio.get_running_loop().create_task(self._told(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _told(self, work: Awaitable[None]) -> None:
        """Do something, and tell what is wrong with it."""
        try:
            await work
        except LiveError as trouble:
            self._tell_trouble(trouble)
        except Exception:
            log.exception("a command failed")
            self._send(LiveError("failed", "A fault of the studio; its log says more.").to_json())

    async def _show_clip(self, number: int, clip: Clip) -> None:
        guess = await asyncio.to_thread(_guess, clip, self._shown.model)
        size_wh = clip.image_wh or (1, 1)
        self._send({
            "kind": "clip", "clip": number, "frames": len(clip), "duration_ms": clip.duration_ms,
            "seen": round(seen_share(clip), 3),
            "fps": round(1000 * (len(clip) - 1) / clip.duration_ms, 1) if clip.duration_ms else 0.0,
            "guess": {"label": guess.label, "confidence": round(guess.confidence, 4)} if guess else None,
            "points": [places(points, size_wh) for points in clip.points],
            "times_ms": clip.timestamps_ms.round(1).tolist(), "width": size_wh[0], "height": size_wh[1],
        })  # fmt: skip

    def _take_command(self, text: str) -> None:
        if not self._may_ask.take(_COMMANDS_A_SECOND):
            raise LiveError("rate", f"More than {_COMMANDS_A_SECOND:g} commands a second.", is_garbage=True)
        command = read_command(text)
        do = self._commands.get(command["do"])
        if do is None:
            raise LiveError("command", f"There is no command {command['do']!a:.40}.", is_garbage=True)
        do(command)

    def _begin(self, _: Mapping[str, Any]) -> None:
        self._takes.begin(self._last.number + 1)

    def _end(self, _: Mapping[str, Any]) -> None:
        self._takes.end(self._last.number)
        self._settle()

    def _keep(self, command: Mapping[str, Any]) -> None:
        number, recording = number_of(command, "clip"), number_of(command, "recording")
        gesture = None if command.get("gesture") is None else number_of(command, "gesture")
        if number in self._keeping:
            raise LiveError("taken", "This clip is being kept already.", clip=number)
        clip = self._takes.held(number)
        self._check_room()
        self._keeping.add(number)
        self._spawn(self._keep_clip(number, clip, recording, gesture, idle=command.get("idle") is True))

    async def _keep_clip(self, number: int, clip: Clip, recording: int, gesture: int | None, *, idle: bool) -> None:
        try:
            kept = await asyncio.to_thread(self._add, clip, recording, gesture, idle=idle)
        except StudioError as error:
            raise LiveError(error.code, str(error), clip=number) from error
        finally:
            self._keeping.discard(number)
        self._takes.drop(number)
        self._send({"kind": "kept", "clip": number, "id": kept})

    def _add(self, clip: Clip, recording: int, gesture: int | None, *, idle: bool) -> str:
        guess = _guess(clip, self._shown.model)
        return self._desk.clips.add(
            clip, self.set_id, self.user_id, gesture_id=gesture, idle=idle, recording_id=recording, guess=guess
        ).id

    def _drop(self, command: Mapping[str, Any]) -> None:
        number = number_of(command, "clip")
        self._takes.drop(number)
        self._send({"kind": "dropped", "clip": number})

    def _rest(self, _: Mapping[str, Any]) -> None:
        self._eyes.is_to_rest = True
        self._takes.rest()
        self._happened.rest()

    def _background(self, _: Mapping[str, Any]) -> None:
        raise LiveError("background", "The live model of this set needs no background.")

    def _correct(self, command: Mapping[str, Any]) -> None:
        prediction_id, truth = number_of(command, "id"), command.get("truth")
        if not isinstance(truth, str):
            raise LiveError("command", "truth: expected the name of a gesture.", is_garbage=True)
        self._check_room()
        self._spawn(self._say_truth(prediction_id, truth))

    async def _say_truth(self, prediction_id: int, truth: str) -> None:
        clip = self._happened.clip_of(prediction_id)
        try:
            info = await asyncio.to_thread(self._desk.predictions.correct, self.user_id, prediction_id, truth, clip)
        except StudioError as error:
            raise LiveError(error.code, str(error), id=prediction_id) from error
        self._send({"kind": "corrected", "id": prediction_id, "truth": info.truth, "clip": info.clip_id})

    def _check_room(self) -> None:
        if len(self._tasks) >= _MOST_TASKS:
            raise LiveError("unavailable", "Too much is being saved at once. Wait a moment, and try it again.")

    def _tell_trouble(self, trouble: LiveError) -> None:
        self._send(trouble.to_json())
        if trouble.is_garbage:
            self._garbage += 1
            if self._garbage >= _MOST_GARBAGE:
                self.end(4400, "too much of what was sent cannot be used")


def _guess(clip: Clip, model: LiveModel | None) -> Guess | None:
    """Return what the live model takes a clip for."""
    if model is None or clip.image_wh is None:
        return None
    points = as_taken(clip.points, clip.image_wh, model.manifest)
    try:
        found = model.classifier.predict(replace(clip, points=points, coordinates=model.manifest.coordinates))
    except AdemanError:  # in the frames that the model looks at nothing is seen
        return None
    return Guess(found.label, min(1.0, found.confidence), model.id)
