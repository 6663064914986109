"""Recordings: what a landmarker would have seen of a made-up person."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ademan.clip import Clip, Points, Times
from ademan.errors import ConfigError
from ademan.skeleton import skeleton
from ademan.synthetic.gestures import GESTURES
from ademan.synthetic.hand import Floats
from ademan.synthetic.person import Person
from ademan.synthetic.scenes import (
    IDLE,
    Poses,
    Scene,
    check_labels,
    gesture_scenes,
    idle_scene,
    pose_hands,
    start_poses,
)

# Frame rates of webcams in poor and in good light.
_FPS_RANGE = (15.0, 30.0)
_FPS_JITTER = 0.06
_SKIPPED_FRAMES = 0.01
# Idle between gestures, and the part of it that a gesture's clip keeps before and after, in seconds.
_IDLE_S = (0.6, 2.5)
_MARGIN_S = (0.0, 0.5)
_IDLE_CLIP_S = (0.8, 2.8)
_FALSE_STARTS = 0.3

_HANDS = skeleton("hands")


class Interval(NamedTuple):
    """When a gesture was made: from the start of its first phase to the end of its last."""

    label: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True, eq=False)
class Recording:
    """A stream of hands, and what truly was done in it.

    Args:
        points: (T, 42, 3) float32, skeleton `hands`, square coordinates; NaN where a hand was not found.
        timestamps_ms: (T,) rising from 0.
        intervals: the gestures, in order of time; all else is idle.
        image_wh: width and height of the picture in pixels.
    """

    points: Points
    timestamps_ms: Times
    intervals: tuple[Interval, ...]
    image_wh: tuple[int, int]


def perform(person: Person, script: Sequence[str], rng: np.random.Generator, *, fps: float | None = None) -> Recording:
    """Record a person who makes gestures one after another, and idles before, between and after them.

    Args:
        person: who, and before which camera.
        script: labels in their order; 'idle' makes an idle stretch longer.
        rng: the source of chance; the same one gives the same recording.
        fps: frames per second, above zero; None draws one between 15 and 30.

    Raises:
        ConfigError: an unknown label, or a frame rate that is not above zero.
    """
    check_labels(script)
    start = now = start_poses(person, rng)
    scenes: list[Scene] = []
    for label in (IDLE, *(step for name in script for step in (name, IDLE))):
        new = _scenes(label, person, now, rng)
        now = _after(new, now)
        scenes += new
    spans = _spans(scenes)
    seconds = frame_times_s(spans[-1][2], _rate(fps, rng), rng)
    points = _filmed(person, start, scenes, seconds, rng)
    intervals = tuple(Interval(label, 1000 * a, 1000 * b) for label, a, b in spans if label != IDLE)
    return Recording(points, 1000.0 * seconds, intervals, person.camera.image_wh)


def clips(
    person: Person,
    gestures: Sequence[str],
    count: int,
    rng: np.random.Generator,
    *,
    session: str = "1",
    fps: float | None = None,
) -> list[Clip]:
    """Return training clips of one person in one session, cut as from recordings.

    A clip holds one gesture whole, with up to half a second of idle on either side, or idle only.

    Args:
        person: who, and before which camera; becomes the subject.
        gestures: labels; 'idle' is one.
        count: clips of each label, 0 or more.
        rng: the source of chance; the same one gives the same clips.
        session: name of the session.
        fps: frames per second, above zero; None draws one between 15 and 30 for all.

    Raises:
        ConfigError: an unknown label, a count below zero or a frame rate that is not above zero.
    """
    check_labels(gestures)
    if count < 0:
        raise ConfigError(f"the number of clips cannot be below zero, found {count}.")
    rate = _rate(fps, rng)
    return [
        _clip(person, label, f"{label}_{person.name}_{session}_{k + 1:03d}", session, rate, rng)
        for label in gestures
        for k in range(count)
    ]


def _clip(person: Person, label: str, name: str, session: str, fps: float, rng: np.random.Generator) -> Clip:
    start = start_poses(person, rng)
    scenes = _around(label, person, start, rng)
    first, last = _cut(scenes, label, rng)
    seconds = first + frame_times_s(last - first, fps, rng)
    return Clip(
        points=_filmed(person, start, scenes, seconds, rng),
        timestamps_ms=1000.0 * (seconds - seconds[0]),
        skeleton=_HANDS,
        id=name,
        label=label,
        subject=person.name,
        session=session,
        image_wh=person.camera.image_wh,
    )


def _around(label: str, person: Person, start: Poses, rng: np.random.Generator) -> list[Scene]:
    """Return idle, what the label says, and idle again.

    Where the label is idle, a hand may rise as for a gesture, and make none.
    """
    scenes = _scenes(IDLE, person, start, rng)
    if label != IDLE:
        scenes += _scenes(label, person, _after(scenes, start), rng)
    elif rng.random() < _FALSE_STARTS:
        scenes += _scenes(str(rng.choice(list(GESTURES))), person, _after(scenes, start), rng)[:1]
    return scenes + _scenes(IDLE, person, _after(scenes, start), rng)


def _scenes(label: str, person: Person, now: Poses, rng: np.random.Generator) -> list[Scene]:
    if label == IDLE:
        return [idle_scene(person, now, rng.uniform(*_IDLE_S), rng)]
    return gesture_scenes(label, person, now, rng)


def _after(scenes: Sequence[Scene], now: Poses) -> Poses:
    for scene in scenes:
        now = scene.end(now)
    return now


def _spans(scenes: Sequence[Scene]) -> list[tuple[str, float, float]]:
    """Return label, begin and end in seconds of each scene."""
    ends = np.cumsum([scene.seconds for scene in scenes])
    return [(scene.label, float(end - scene.seconds), float(end)) for scene, end in zip(scenes, ends, strict=True)]


def _cut(scenes: Sequence[Scene], label: str, rng: np.random.Generator) -> tuple[float, float]:
    """Return where a clip of this label begins and ends, in seconds."""
    spans = _spans(scenes)
    if label != IDLE:
        begin, end = next((a, b) for name, a, b in spans if name == label)
        before, after = rng.uniform(*_MARGIN_S, 2)
        return begin - before, end + after
    length = rng.uniform(*_IDLE_CLIP_S)
    first = rng.uniform(0.0, max(spans[-1][2] - length, 0.0))
    return first, min(first + length, spans[-1][2])


def _filmed(person: Person, start: Poses, scenes: Sequence[Scene], seconds: Floats, rng: np.random.Generator) -> Points:
    """Return what the landmarker sees at these times: (T, 42, 3) float32."""
    hands = person.camera.project(pose_hands(person, start, scenes, seconds, rng))
    found = person.detector.see(hands, seconds, person.camera.aspect, rng)
    return found.reshape(len(seconds), len(_HANDS), 3).astype(np.float32)


def _rate(fps: float | None, rng: np.random.Generator) -> float:
    if fps is None:
        return float(rng.uniform(*_FPS_RANGE))
    if not fps > 0:
        raise ConfigError(f"frames per second must be above zero, found {fps:g}.")
    return fps


def frame_times_s(length_s: float, fps: float, rng: np.random.Generator) -> Floats:
    """Return when the frames of a recording were taken: (T,) from 0, uneven, and with a frame missing at times."""
    count = int(np.ceil(length_s * fps * 1.2)) + 2
    steps = 1 + np.clip(rng.normal(0, _FPS_JITTER, count), -0.5, 0.5) + (rng.random(count) < _SKIPPED_FRAMES)
    times: Floats = np.concatenate([[0.0], np.cumsum(steps)]) / fps
    return times[times <= length_s]
