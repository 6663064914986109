"""The WebSocket of camera frames, with a real server and real connections."""

import struct
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ademan.studio.data.clips import Clips
from ademan.studio.data.gestures import GestureSets, SetInfo
from ademan.studio.data.models import Models
from ademan.studio.data.predictions import Predictions
from ademan.studio.data.tables import Prediction
from ademan.studio.live import LiveConfig
from tests.studio.live.fakes import DARK, HIGH, LOW, MIDDLE, Camera, camera, height_bundle, picture
from tests.studio.web.conftest import Running, Start, Visitor

PATIENCE_S = 15.0
QUICK = LiveConfig(look_s=0.2, most_fps=10_000)
"""Tests send frames as fast as they are answered."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return height_bundle(tmp_path_factory.mktemp("bundle") / "height")


@dataclass(frozen=True)
class Scene:
    """A studio with a set of two gestures, one of whose models is live, and somebody who is logged in."""

    studio: Running
    gestures: SetInfo
    ana: Visitor

    @property
    def models(self) -> Models:
        return Models(self.studio.database, self.studio.files)

    @property
    def clips(self) -> Clips:
        return Clips(self.studio.database, self.studio.files)

    @property
    def predictions(self) -> Predictions:
        return Predictions(self.studio.database, self.studio.files)

    def go_live(self, bundle: Path) -> int:
        return self.models.promote(self.models.add(self.gestures.id, bundle).id).id

    def camera(self) -> AbstractContextManager[Camera]:
        return camera(self.studio.url, self.gestures.id, self.ana.cookie("session"))

    def stored(self, kind: str) -> list[Prediction]:
        with self.studio.database.reading() as session:
            return list(session.scalars(select(Prediction).where(Prediction.kind == kind).order_by(Prediction.id)))


def set_up(studio: Running) -> Scene:
    studio.accounts.register("Ada", "four words in a row")
    sets = GestureSets(studio.database, studio.files)
    made = sets.add(1, "Directions")
    for name in ("up", "down"):
        sets.add_gesture(1, made.id, name)
    return Scene(studio, sets.get(made.id), studio.member("Ana"))


@pytest.fixture
def scene(start: Start) -> Scene:
    return set_up(start(live=QUICK))


@pytest.fixture
def stream(scene: Scene, bundle: Path) -> Iterator[Camera]:
    """A camera of Ana's; the model is live."""
    scene.go_live(bundle)
    with scene.camera() as connected:
        yield connected


def wait_for(what: Callable[[], object]) -> None:
    """Wait until a function returns something."""
    end_s = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < end_s, "it does not happen"
        time.sleep(0.02)


def test_each_frame_is_answered_with_points_as_shares_of_the_picture(scene: Scene, stream: Camera) -> None:
    ready = stream.next("ready")
    assert ready["set"]["name"] == "Directions"
    assert [gesture["name"] for gesture in ready["set"]["gestures"]] == ["up", "down"]
    assert ready["shape"]["points"] == 42
    assert [0, 1] in ready["shape"]["limbs"]
    assert (ready["model"]["labels"], ready["model"]["idle"]) == (["up", "down", "idle"], "idle")
    stream.send(picture(MIDDLE, (128, 64)))
    points = stream.next("points")
    assert (points["number"], points["seen"]) == (1, 1.0)
    assert np.mean(points["points"], axis=0) == pytest.approx([0.5, 0.5], abs=0.05)
    assert points["latency_ms"] > 0
    stream.send(picture(DARK))
    assert stream.next("points")["points"] == [None] * 42


def test_gestures_are_named_told_and_written_down(scene: Scene, stream: Camera) -> None:
    began = stream.show_until_event(HIGH, "began")
    assert began["label"] == "up"
    ended = stream.show_until_event(MIDDLE, "ended")
    assert (ended["label"], ended["number"]) == ("up", began["number"])
    named = [message for message in stream.told if message["kind"] == "prediction"]
    assert sum(named[-1]["shares"].values()) == pytest.approx(1, abs=0.01)
    assert "up" in {message["gesture"] for message in named}
    assert [row.id for row in scene.stored("began")] == [began["id"]]
    row = scene.stored("began")[0]
    assert (row.user_id, row.label, row.truth) == (2, "up", None)
    assert 0 < row.latency_ms < 60_000
    wait_for(lambda: scene.stored("prediction"))


def test_only_one_prediction_a_second_is_written_down(scene: Scene, stream: Camera) -> None:
    begun_s = time.monotonic()
    stream.show(MIDDLE, 60)
    wait_for(lambda: scene.stored("prediction"))
    assert len(scene.stored("prediction")) <= 1 + time.monotonic() - begun_s


def test_without_a_model_points_are_shown_all_the_same(scene: Scene) -> None:
    with scene.camera() as stream:
        assert stream.next("ready")["model"] is None
        stream.show(HIGH, 5)
        assert {message["kind"] for message in stream.told} == {"ready", "points"}


def test_another_model_goes_live_in_a_stream_that_goes_on(scene: Scene, bundle: Path, tmp_path: Path) -> None:
    with scene.camera() as stream:
        assert stream.next("ready")["model"] is None
        first = scene.go_live(bundle)
        assert stream.next("ready")["model"]["id"] == first
        stream.show_until_event(HIGH, "began")
        second = scene.go_live(height_bundle(tmp_path / "other", ("above", "below")))
        assert stream.next("ready")["model"] == {
            "id": second, "number": 2, "labels": ["above", "below", "idle"], "idle": "idle", "threshold": 0.5,
        }  # fmt: skip
        assert stream.show_until_event(MIDDLE, "ended")["label"] == "up"
        assert stream.show_until_event(LOW, "began")["label"] == "below"
        assert [row.model_id for row in scene.stored("began")] == [first, second]
        scene.models.roll_back(scene.gestures.id)
        assert stream.next("ready")["model"]["id"] == first


def test_a_clip_is_recorded_shown_and_kept(scene: Scene, stream: Camera) -> None:
    recording = scene.clips.begin_recording(2, scene.gestures.id)
    stream.show(MIDDLE, 3)
    stream.do("begin")
    stream.show(HIGH, 9)
    stream.send(picture(HIGH))  # belongs to it, though it is still on its way when the end is told
    stream.do("end")
    clip = stream.next("clip")
    assert clip["frames"] == len(clip["points"]) == 10
    assert clip["duration_ms"] == 9 * 40
    assert clip["times_ms"][0] == 0
    assert clip["seen"] == 1
    assert (clip["width"], clip["height"]) == (64, 48)
    assert clip["guess"]["label"] == "up"
    gesture = scene.gestures.gestures[0].id
    stream.do("keep", clip=clip["clip"], recording=recording, gesture=gesture, idle=False)
    kept = stream.next("kept")
    info = scene.clips.get(2, kept["id"])
    assert (info.label, info.recording_id, info.frames, info.state) == ("up", recording, clip["frames"], "new")
    assert info.guess is not None
    assert info.guess.label == "up"
    stream.do("keep", clip=clip["clip"], recording=recording, gesture=gesture)
    stream.trouble("gone")


def test_a_clip_that_cannot_be_kept_can_be_kept_otherwise(scene: Scene, stream: Camera) -> None:
    stream.do("begin")
    stream.show(HIGH, 12)
    stream.do("end")
    number = stream.next("clip")["clip"]
    others = scene.clips.begin_recording(1, scene.gestures.id)
    stream.do("keep", clip=number, recording=others, gesture=None)
    assert stream.trouble("gone")["clip"] == number
    own = scene.clips.begin_recording(2, scene.gestures.id)
    stream.do("keep", clip=number, recording=own, gesture=None, idle=True)
    assert scene.clips.get(2, stream.next("kept")["id"]).label == "idle"


def test_what_is_no_clip_is_refused_with_a_reason(stream: Camera) -> None:
    stream.do("end")
    stream.trouble("command")
    stream.do("begin")
    stream.show(HIGH, 2)
    stream.do("end")
    assert "longer" in stream.trouble("short")["message"]
    stream.do("begin")
    stream.show(DARK, 12)
    stream.do("end")
    stream.trouble("unseen")
    stream.do("begin")
    stream.show(HIGH, 6)
    stream.show(HIGH, 6, (48, 64))
    stream.do("end")
    stream.trouble("turned")


def test_three_clips_are_held_and_the_oldest_goes(scene: Scene, stream: Camera) -> None:
    numbers = []
    for _ in range(4):
        stream.do("begin")
        stream.show(HIGH, 10)
        stream.do("end")
        numbers.append(stream.next("clip")["clip"])
    recording = scene.clips.begin_recording(2, scene.gestures.id)
    stream.do("drop", clip=numbers[3])
    assert stream.next("dropped")["clip"] == numbers[3]
    for number in (numbers[0], numbers[3]):
        stream.do("keep", clip=number, recording=recording, gesture=None)
        stream.trouble("gone")
    stream.do("keep", clip=numbers[1], recording=recording, gesture=None)
    assert stream.next("kept")["clip"] == numbers[1]


def test_a_clip_ends_by_itself_when_it_is_long(stream: Camera) -> None:
    stream.do("begin")
    for i in range(8):
        stream.send(picture(HIGH), time_ms=2000 + 4000.0 * i)
        stream.next("points")
    stream.do("drop", clip=99)
    stream.next("dropped")
    clip = next(message for message in stream.told if message["kind"] == "clip")
    assert clip["duration_ms"] == 20_000
    stream.do("end")
    stream.time_ms = 60_000
    stream.show(HIGH)
    assert "trouble" not in {message["kind"] for message in stream.told}


def test_an_event_that_was_something_else_becomes_a_clip(scene: Scene, stream: Camera) -> None:
    began = stream.show_until_event(HIGH, "began")
    stream.do("correct", id=began["id"], truth="down")  # while it still goes on
    corrected = stream.next("corrected")
    assert corrected["truth"] == "down"
    clip = scene.clips.get(2, corrected["clip"])
    assert (clip.label, clip.origin, clip.state) == ("down", "try", "new")
    assert clip.guess is not None
    assert clip.guess.label == "up"
    stream.show_until_event(MIDDLE, "ended")
    later = stream.show_until_event(LOW, "began")
    stream.show_until_event(MIDDLE, "ended")
    stream.do("correct", id=later["id"], truth="idle")
    assert scene.clips.get(2, stream.next("corrected")["clip"]).label == "idle"
    stream.do("correct", id=later["id"], truth="sideways")
    assert stream.trouble("bad")["id"] == later["id"]


def test_an_event_is_corrected_by_http_too_and_by_its_person_alone(scene: Scene, stream: Camera) -> None:
    began = stream.show_until_event(HIGH, "began")
    stream.show_until_event(MIDDLE, "ended")
    listed = scene.ana.ask("GET", "/api/predictions").json()["predictions"]
    assert [(one["id"], one["label"], one["truth"]) for one in listed] == [(began["id"], "up", None)]
    path = f"/api/predictions/{began['id']}/truth"
    boris = scene.studio.member("Boris")
    assert boris.ask("GET", "/api/predictions").json() == {"predictions": []}
    refused = boris.ask("POST", path, json={"truth": "down"}, headers={"X-CSRF-Token": boris.token})
    assert refused.status_code == 404
    headers = {"X-CSRF-Token": scene.ana.token}
    for body in (b"{", b"[]", b'{"truth": 1}', b"\xff"):
        assert scene.ana.ask("POST", path, data=body, headers=headers).status_code == 422
    wait_for(lambda: scene.ana.ask("POST", path, json={"truth": "down"}, headers=headers).json()["clip"])
    info = scene.predictions.mine(2, kind="began")[0]
    assert info.truth == "down"
    assert info.clip_id is not None


def test_another_person_corrects_nothing_by_their_socket(scene: Scene, stream: Camera) -> None:
    began = stream.show_until_event(HIGH, "began")
    boris = scene.studio.member("Boris")
    with camera(scene.studio.url, scene.gestures.id, boris.cookie("session")) as other:
        other.do("correct", id=began["id"], truth="down")
        other.trouble("gone")


def test_a_past_that_is_forgotten_is_not_recognised(stream: Camera) -> None:
    stream.show_until_event(HIGH, "began")
    stream.do("rest")
    assert stream.show_until_event(HIGH, "ended")["label"] == "up"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "frame"),
        (b"123456789012", "frame"),
        (struct.pack("<Id", 1, float("nan")) + picture(HIGH), "time"),
        (struct.pack("<Id", 1, float("inf")) + picture(HIGH), "time"),
        (struct.pack("<Id", 1, -1.0) + picture(HIGH), "time"),
        (struct.pack("<Id", 1, 1.0) + bytes(200_000), "large"),
        (struct.pack("<Id", 1, 1.0) + b"this is no picture", "picture"),
        (struct.pack("<Id", 1, 1.0) + picture(HIGH, suffix=".png"), "picture"),
        (struct.pack("<Id", 1, 1.0) + picture(HIGH)[:300], "picture"),
        (struct.pack("<Id", 1, 1.0) + picture(HIGH, (1300, 40)), "picture"),
        ("", "command"),
        ("[]", "command"),
        ('{"do": 1}', "command"),
        ('{"do": "fly"}', "command"),
        ('{"do": "keep", "clip": "1"}', "command"),
        ('{"do": "keep", "clip": NaN, "recording": 1}', "command"),
        ('{"do": "correct", "id": 1}', "command"),
        ('{"do": "begin", "x": "' + "x" * 5000 + '"}', "command"),
        ("[" * 4000, "command"),
        ('{"do": "background"}', "background"),
    ],
)
def test_garbage_is_told_and_the_stream_goes_on(stream: Camera, content: bytes | str, code: str) -> None:
    stream.socket.send(content)
    stream.trouble(code)
    stream.number = 10
    stream.show(HIGH)


def test_frames_whose_time_goes_back_are_refused(stream: Camera) -> None:
    stream.show(HIGH, 3)
    stream.send(picture(HIGH), number=2)
    assert stream.trouble("time")["number"] == 2
    stream.send(picture(HIGH), number=9, time_ms=5.0)
    assert stream.trouble("time")["number"] == 9


def test_too_much_garbage_ends_the_stream(stream: Camera) -> None:
    for i in range(20):
        stream.send(b"no picture", number=i)
        if i < 19:
            stream.trouble("picture")
    assert stream.closed() == 4400


def test_a_camera_that_is_too_quick_has_frames_skipped(start: Start) -> None:
    scene = set_up(start(live=LiveConfig(most_fps=5)))
    with scene.camera() as stream:
        for _ in range(20):
            stream.send(picture(HIGH))
        answers = {stream.until(lambda m: "number" in m)["number"]: stream.told[-1]["kind"] for _ in range(20)}
        assert sorted(answers) == list(range(1, 21))
        assert 14 <= list(answers.values()).count("skipped") < 20


def test_who_is_not_logged_in_sees_nothing(scene: Scene) -> None:
    for session in ("", "guessed"):
        with camera(scene.studio.url, scene.gestures.id, session) as stream:
            assert stream.closed() == 4401


@pytest.mark.parametrize("wanted", ["99", "", "x", "-1", "1.0", "9" * 30, "\u0661"])
def test_a_set_that_is_not_there_is_told(scene: Scene, wanted: str) -> None:
    with camera(scene.studio.url, wanted, scene.ana.cookie("session")) as stream:
        assert stream.closed() == 4404


def test_a_person_has_four_streams_and_a_process_its_number(start: Start) -> None:
    scene = set_up(start(live=LiveConfig(streams=5)))
    boris = scene.studio.member("Boris").cookie("session")
    with ExitStack() as opened:
        first = scene.camera()
        first.__enter__().next("ready")
        for _ in range(3):
            opened.enter_context(scene.camera()).next("ready")
        with scene.camera() as fifth:
            assert fifth.closed() == 4429
        with camera(scene.studio.url, 1, boris) as one:
            one.next("ready")
            with camera(scene.studio.url, 1, boris) as sixth:
                assert sixth.closed() == 4503
        first.__exit__(None, None, None)
        wait_for(lambda: is_let_in(scene.camera()))


def is_let_in(connecting: AbstractContextManager[Camera]) -> bool:
    with connecting as stream:
        try:
            return bool(stream.next("ready"))
        except ConnectionClosed:
            return False


def test_a_stream_ends_with_its_login(scene: Scene, stream: Camera) -> None:
    stream.show(HIGH)
    scene.ana.post("/logout")
    assert stream.closed() == 4401


def test_a_stream_ends_with_its_account(scene: Scene, stream: Camera) -> None:
    stream.show(HIGH)
    scene.studio.members.set_active(1, 2, active=False)
    assert stream.closed() == 4401


def test_a_stream_ends_with_its_set(scene: Scene, stream: Camera) -> None:
    stream.show(HIGH)
    GestureSets(scene.studio.database, scene.studio.files).delete(1, scene.gestures.id)
    assert stream.closed() == 4404


def test_a_stream_without_frames_ends(start: Start) -> None:
    scene = set_up(start(live=LiveConfig(idle_s=0.5, look_s=0.2)))
    with scene.camera() as stream:
        assert stream.closed() == 4408


def test_a_gesture_that_goes_on_when_the_page_is_closed_ends(scene: Scene, bundle: Path) -> None:
    scene.go_live(bundle)
    with scene.camera() as stream:
        stream.show_until_event(HIGH, "began")
    wait_for(lambda: [row.label for row in scene.stored("ended")] == ["up"])


def test_no_page_from_elsewhere_opens_a_stream(scene: Scene) -> None:
    with pytest.raises(InvalidStatus) as refused:
        camera(scene.studio.url, 1, scene.ana.cookie("session"), Origin="https://evil.example").__enter__()
    assert refused.value.response.status_code == 403
