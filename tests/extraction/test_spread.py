"""A fixed number of frames, evenly spread."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.errors import VideoError
from ademan.extraction import find_recordings
from ademan.extraction.spread import spread_places, take
from ademan.video import ClipRecorder, Frame


def video(path: Path, frames: int, tags: dict[str, str] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with ClipRecorder(path, (64, 48), 25.0, tags or {}) as recorder:
        for i in range(frames):
            recorder.add(Frame(np.full((48, 64, 3), 10 * i, np.uint8), 40.0 * i))
    return path


def pictures(folder: Path, numbers: list[int], name: str = "v") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for n in numbers:
        cv2.imwrite(str(folder / f"{name}_frame_{n}.png"), np.full((20, 30, 3), n, np.uint8))
    return folder


@given(st.integers(0, 500), st.integers(1, 64))
def test_places_are_spread_evenly_from_the_first_to_the_last(count: int, wanted: int) -> None:
    places = spread_places(count, wanted)
    assert len(places) == len(set(places)) == min(count, wanted)
    if count > wanted > 1:
        assert (places[0], places[-1]) == (0, count - 1)
        steps = np.diff(places)
        assert steps.max() - steps.min() <= 1
    if count <= wanted:
        assert places == list(range(count))


def test_frames_of_a_video_are_those_at_these_places(tmp_path: Path) -> None:
    [recording] = find_recordings(video(tmp_path / "wave" / "wave_s1_1.mp4", 20, {"subject": "who", "session": "when"}))
    taken = take(recording, 5)
    np.testing.assert_allclose(taken.times_ms, [0, 200, 400, 560, 760], atol=1)
    np.testing.assert_allclose([f.image_rgb.mean() for f in taken.frames], [0, 50, 100, 140, 190], atol=4)
    assert taken.places == [0, 1, 2, 3, 4]
    assert (taken.subject, taken.session, taken.skipped) == ("who", "when", ())


def test_a_short_video_repeats_its_last_frame_and_time_goes_on(tmp_path: Path) -> None:
    [recording] = find_recordings(video(tmp_path / "wave" / "wave_s1_1.mp4", 3))
    taken = take(recording, 6)
    assert len(taken.frames) == 3
    assert taken.places == [0, 1, 2, 2, 2, 2]
    np.testing.assert_allclose(taken.times_ms, [0, 40, 80, 120, 160, 200], atol=1)
    [single] = find_recordings(pictures(tmp_path / "one" / "fist", [4]))
    assert take(single, 3).times_ms.tolist() == [0, 40, 80]


def test_a_head_that_counts_wrongly_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "wave" / "wave_s1_1.avi"  # raw MPEG-4 in AVI
    path.parent.mkdir()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for i in range(12):
        writer.write(np.full((48, 64, 3), 20 * i, np.uint8))
    writer.release()
    content = bytearray(path.read_bytes())
    at = content.find(b"avih") + 8 + 16  # number of frames in the main head
    assert int.from_bytes(content[at : at + 4], "little") == 12
    stream = content.find(b"strh") + 8 + 32  # and in that of the stream
    for place in (at, stream):
        content[place : place + 4] = (13).to_bytes(4, "little")
    path.write_bytes(content)
    [recording] = find_recordings(path)
    means = [frame.image_rgb.mean() for frame in take(recording, 3).frames]
    np.testing.assert_allclose(means, [0, 120, 220], atol=6)


def test_pictures_that_are_missing_unreadable_or_of_another_size_are_named(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "wave", [0, 1, 2, 4, 5, 10, 11])
    (folder / "v_frame_5.png").write_text("no picture")
    cv2.imwrite(str(folder / "v_frame_11.png"), np.zeros((9, 9, 3), np.uint8))
    [recording] = find_recordings(tmp_path)
    taken = take(recording, 32)
    assert [int(frame.image_rgb[0, 0, 0]) for frame in taken.frames] == [0, 1, 2, 4, 10]
    assert taken.skipped == (
        "1 between v_frame_2 and v_frame_4",
        "4 between v_frame_5 and v_frame_10",
        "v_frame_5.png",
        "v_frame_11.png",
    )


def test_a_recording_without_a_frame_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wave").mkdir()
    (tmp_path / "wave" / "v_frame_0.png").write_text("no picture")
    [recording] = find_recordings(tmp_path)
    with pytest.raises(VideoError, match="not one of the 1 pictures"):
        take(recording, 4)
