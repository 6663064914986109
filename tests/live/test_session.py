"""Clips recorded step by step, from frames with times of the test's own."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from ademan.errors import ConfigError
from ademan.live import CapturePlan, CaptureSession, inventory
from ademan.video import VideoFile
from tests.live.conftest import Film


def plan(folder: Path, **more: object) -> CapturePlan:
    values = {"seconds": 0.5, "fps": 20.0, "count": 2, "countdown": 0.4, "subject": "ann", "folder": folder}
    return CapturePlan("wave", **{**values, **more})  # type: ignore[arg-type]


def play(session: CaptureSession, times_ms: Iterable[float]) -> list[tuple[str, int]]:
    """Return phase and clips on disk after each frame, without repetitions."""
    seen: list[tuple[str, int]] = []
    for frame in Film(list(times_ms)).frames:
        view = session.push(frame)
        if not seen or seen[-1] != (view.phase, view.done):
            seen.append((view.phase, view.done))
        if session.done:
            break
    return seen


def at(fps: float, seconds: float, start_ms: float = 7000.0) -> list[float]:
    return [start_ms + 1000 * i / fps for i in range(round(seconds * fps))]


def test_clips_are_counted_down_recorded_and_saved(tmp_path: Path) -> None:
    session = CaptureSession(plan(tmp_path))
    phases = play(session, at(40, 10))
    assert phases == [
        ("countdown", 0),
        ("recording", 0),
        ("rest", 1),
        ("countdown", 1),
        ("recording", 1),
        ("done", 2),
    ]
    assert inventory(tmp_path) == {"wave": 2}
    for path in session.saved:
        video = VideoFile(path)
        times = [frame.timestamp_ms for frame in video]
        assert path.name.startswith("wave_ann_")
        assert 10 <= len(times) <= 11  # half a second at 20 a second, of a camera that gives 40
        np.testing.assert_allclose(np.diff(times), 50, atol=1)
        assert video.metadata["gesture"] == "wave"
        assert video.metadata["subject"] == "ann"
        assert video.metadata["session"]


def test_a_camera_slower_than_asked_is_told_and_its_times_are_kept(tmp_path: Path) -> None:
    session = CaptureSession(plan(tmp_path, count=1))
    views = [session.push(frame) for frame in Film(at(8, 3)).frames]
    assert "the camera gives 10 frames a second, not 20" in {view.message for view in views}
    times = [frame.timestamp_ms for frame in VideoFile(session.saved[0])]
    np.testing.assert_allclose(np.diff(times), 125, atol=1)


def test_redo_removes_the_last_clip_of_this_session_only(tmp_path: Path) -> None:
    (tmp_path / "wave").mkdir()
    old = tmp_path / "wave" / "wave_ann_old.mp4"
    old.touch()
    session = CaptureSession(plan(tmp_path))
    session.redo()
    play(session, at(40, 1.2))
    (first,) = session.saved
    session.redo()
    assert not first.exists()
    session.redo()
    assert old.exists()
    play(session, at(40, 10, 9000.0))
    assert len(session.saved) == 2


def test_a_pause_drops_the_clip_that_is_being_recorded(tmp_path: Path) -> None:
    session = CaptureSession(plan(tmp_path))
    play(session, at(40, 0.6))
    session.pause()
    assert play(session, at(40, 5, 7600.0)) == [("paused", 0)]
    assert not list(tmp_path.rglob("*.mp4"))
    session.pause()
    play(session, at(40, 10, 13000.0))
    assert session.done


def test_a_camera_that_was_away_costs_the_clip_it_was_at(tmp_path: Path) -> None:
    session = CaptureSession(plan(tmp_path, count=1))
    play(session, at(40, 0.6))
    assert play(session, at(40, 5, 12000.0))[0] == ("countdown", 0)
    assert session.done
    times = [frame.timestamp_ms for frame in VideoFile(session.saved[0])]
    assert max(np.diff(times)) < 100


def test_leaving_in_the_middle_leaves_whole_clips_only(tmp_path: Path) -> None:
    session = CaptureSession(plan(tmp_path))
    play(session, at(40, 2.6))
    session.close()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == session.saved
    assert len(session.saved) == 1


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"gesture": "thumbs up"}, "gesture 'thumbs up': a name has letters, digits"),
        ({"gesture": "../wave"}, "gesture '../wave'"),
        ({"gesture": "wave", "subject": "ann_b"}, "subject 'ann_b': a name has letters, digits and - only"),
        ({"gesture": "wave", "seconds": 0.0}, "found 0, 24, 10 and 3"),
        ({"gesture": "wave", "count": 0}, "a count of 1 or more"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(values: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        CapturePlan(**values)  # type: ignore[arg-type]


def test_an_inventory_counts_videos_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "wave").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("a.mp4", "b.MOV", "notes.txt", ".c.mp4"):
        (tmp_path / "wave" / name).touch()
    assert inventory(tmp_path) == {"wave": 2}
    assert inventory(tmp_path / "gone") == {}
