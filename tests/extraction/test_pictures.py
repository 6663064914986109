"""From photos and videos to a dataset of pictures: who and what, what fails and why, the same with many workers."""

import json
import os
import signal
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from ademan.clip import Clip
from ademan.datasets import Dataset
from ademan.errors import AdemanError, BundleError, ConfigError, SourceError, VideoError
from ademan.extraction.pictures import (
    PictureOptions,
    _Spread,
    _worked,
    find_pictures,
    picture_as_made,
    picture_clip,
    pictures,
)
from ademan.extraction.recordings import Recording
from ademan.pictures import BACKGROUND_VARIABLE, PictureConfig, open_cutter, open_pictures
from ademan.skeleton import picture_rows
from ademan.video import ClipRecorder, Frame, Image
from tests.pictures.scenes import room, wall, with_fist

PATTERN = PictureOptions(pattern="{gesture}/{subject}_{repetition}")
PLAIN = PictureConfig(of="silhouette", size=32, background="plain")


def save(path: Path, image: Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image[..., ::-1])
    return path


def shape(gesture: str, seed: int) -> Image:
    """A disc or a bar before a wall."""
    rng = np.random.default_rng(seed)
    x, y = (int(v) for v in rng.integers(40, 60, 2))
    if gesture == "disc":
        return with_fist(wall(seed=seed), (x, y), int(rng.integers(18, 26)))
    drawn = cv2.rectangle(wall(seed=seed), (x - 6, y - 30), (x + 6, y + 30), (170, 110, 80), -1)
    return np.asarray(drawn, np.uint8)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two gestures, three people, two photos each; and an idle wall with something small on it."""
    for gesture in ("bar", "disc"):
        for who in ("ann", "bob", "eve"):
            for i in range(2):
                save(tmp_path / "photos" / gesture / f"{who}_{i}.png", shape(gesture, 10 * i + len(gesture)))
    save(tmp_path / "photos" / "none" / "ann_0.png", with_fist(wall(), (50, 50), 8))
    return tmp_path / "photos"


def video(path: Path, frames: int = 40, *, empty: int = 0, still: bool = False) -> Path:
    """A fist that crosses a room, after some frames of the empty room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with ClipRecorder(path, (160, 120)) as recorder:
        for i in range(frames):
            x = 80 if still else 10 + 140 * (i - empty) // max(1, frames - empty)
            image = room(seed=i) if i < empty else with_fist(room(seed=i), (x, 55), 22)
            recorder.add(Frame(image, 40.0 * i))
    return path


def test_each_photo_is_a_clip_of_one_frame_with_who_and_what(photos: Path, tmp_path: Path) -> None:
    summary = pictures(photos, tmp_path / "d.h5", PLAIN, PATTERN)
    assert summary.clips == {"bar": 6, "disc": 6, "none": 1}
    assert summary.frames == 13
    assert summary.seen == 1.0
    assert not summary.failed
    with Dataset(tmp_path / "d.h5") as dataset:
        assert dataset.coordinates == "pixels"
        assert dataset.skeleton == picture_rows(32)
        assert dataset.channels == 32
        assert dataset.table.ids.tolist()[:3] == ["bar/ann_0", "bar/ann_1", "bar/bob_0"]
        assert set(dataset.table.subjects.tolist()) == {"ann", "bob", "eve"}
        clip = dataset[0]
        assert clip.points.shape == (1, 32, 32)
        assert clip.image_wh == (100, 100)
        assert set(np.unique(clip.points)) == {0.0, 255.0}
        assert dataset.made["by"] == "ademan pictures"
        assert dataset.made["options"]["background"] == "plain"
    told = json.loads((tmp_path / "d_pictures.json").read_text())
    assert told["clips"] == summary.clips
    assert told["path"] == str(tmp_path / "d.h5")


def test_values_are_kept_in_half_and_exact(photos: Path, tmp_path: Path) -> None:
    import h5py

    pictures(photos, tmp_path / "d.h5", PLAIN, PATTERN)
    with h5py.File(tmp_path / "d.h5") as file:
        assert file["values"].dtype == np.float16
    cutter = open_pictures(PLAIN)
    with Dataset(tmp_path / "d.h5") as dataset:
        for recording, clip in zip(find_pictures(photos), dataset, strict=True):
            np.testing.assert_array_equal(picture_clip(recording, cutter).points, clip.points)


def test_the_dataset_does_not_depend_on_the_number_of_workers(photos: Path, tmp_path: Path) -> None:
    for i in range(2, 5):
        save(photos / "bar" / f"ann_{i}.png", shape("bar", i))
    for workers in (1, 2):
        pictures(photos, tmp_path / f"{workers}.h5", PLAIN, PATTERN, workers=workers)
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "2.h5").read_bytes()


def test_what_cannot_be_a_clip_is_named_with_its_reason(photos: Path, tmp_path: Path) -> None:
    (photos / "bar" / "text_0.png").write_text("no picture")
    save(photos / "bar" / "wall_0.png", wall(seed=4))
    (photos / "disc" / "cut_0.mp4").write_bytes(b"no video")
    summary = pictures(photos, tmp_path / "d.h5", PLAIN, PATTERN)
    assert set(summary.failed) == {"bar/text_0", "bar/wall_0", "disc/cut_0"}
    assert "can be read" in summary.failed["bar/text_0"]
    assert summary.failed["bar/wall_0"] == "nothing differs from the empty scene in any of its 1 frames"
    assert "is no video" in summary.failed["disc/cut_0"]
    assert sum(summary.clips.values()) == 13


def test_not_one_clip_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    save(tmp_path / "photos" / "fist" / "a.png", wall())
    with pytest.raises(SourceError, match=r"not one of the 1 photos and videos.*\n  fist/a: nothing differs"):
        pictures(tmp_path / "photos", tmp_path / "d.h5", PLAIN)
    assert not (tmp_path / "d.h5").exists()


def test_frames_of_a_video_are_spread_evenly(tmp_path: Path) -> None:
    place = video(tmp_path / "raw" / "wave" / "wave_ann_1.mp4")
    with_frames = PictureOptions(frames=5)
    summary = pictures(tmp_path / "raw", tmp_path / "d.h5", PictureConfig(of="silhouette", size=32), with_frames)
    assert summary.clips == {"wave": 1}
    with Dataset(tmp_path / "d.h5") as dataset:
        clip = dataset[0]
    assert clip.subject == "ann"
    assert clip.source == place.name
    assert len(clip) == 5
    np.testing.assert_allclose(clip.timestamps_ms, np.linspace(0, 39 * 40, 5), atol=45)
    assert clip.seen.all()


def test_a_shorter_video_is_taken_whole(tmp_path: Path) -> None:
    place = video(tmp_path / "wave" / "wave_ann_1.mp4", 3)
    clip = picture_clip(Recording("a", place, "wave"), open_pictures(PLAIN), 8)
    np.testing.assert_allclose(clip.timestamps_ms, [0, 40, 80], atol=1)


def test_the_beginning_of_a_video_may_show_the_empty_scene(tmp_path: Path) -> None:
    config = PictureConfig(of="silhouette", size=32, background="start", learn_ms=300.0)
    place = video(tmp_path / "wave" / "wave_ann_1.mp4", 40, empty=9, still=True)
    clip = picture_clip(Recording("a", place, "wave"), open_pictures(config), 4)
    assert clip.timestamps_ms[0] >= 300
    assert clip.seen.all()
    short = video(tmp_path / "wave" / "wave_ann_2.mp4", 5)
    with pytest.raises(VideoError, match="ends before the empty scene was learnt"):
        picture_clip(Recording("b", short, "wave"), open_pictures(config))


def test_a_photo_cannot_show_what_is_behind(photos: Path) -> None:
    cutter = open_pictures(PictureConfig(of="silhouette"))
    with pytest.raises(VideoError, match=r"bar/ann_0 is one picture.*--background-picture.*--background plain"):
        picture_clip(find_pictures(photos)[0], cutter)


def test_a_picture_of_the_empty_scene_is_taken_whatever_the_config_says(tmp_path: Path) -> None:
    empty = save(tmp_path / "empty.png", room())
    save(tmp_path / "photos" / "fist" / "ann_0.png", with_fist(room(seed=1), (80, 60), 25))
    summary = pictures(tmp_path / "photos", tmp_path / "d.h5", PictureConfig(of="silhouette"), background=empty)
    assert summary.clips == {"fist": 1}
    with Dataset(tmp_path / "d.h5") as dataset:
        assert dataset.made["options"]["background"] == "picture"
        assert "empty" not in json.dumps(dataset.made)


def test_a_model_says_which_picture_it_needs_but_not_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"by": "ademan pictures", "options": {"of": "silhouette", "background": "picture", "size": 32}}
    monkeypatch.delenv(BACKGROUND_VARIABLE, raising=False)
    with pytest.raises(ConfigError, match="ADEMAN_BACKGROUND"):
        open_cutter(made)
    monkeypatch.setenv(BACKGROUND_VARIABLE, str(save(tmp_path / "empty.png", room())))
    photo = save(tmp_path / "fist" / "ann_0.png", with_fist(room(seed=1), (80, 60), 25))
    clip = picture_as_made(find_pictures(photo)[0], open_cutter(made), made)
    assert (clip.id, clip.label, clip.coordinates) == ("ann_0", "fist", "pixels")
    assert clip.seen.all()


def test_frames_are_taken_as_a_model_says(tmp_path: Path) -> None:
    made = {"by": "ademan pictures", "options": {"of": "silhouette", "background": "plain", "frames": 3}}
    place = video(tmp_path / "wave.mp4")
    assert len(picture_as_made(Recording("a", place, "wave"), open_cutter(made), made)) == 3
    with pytest.raises(BundleError, match="how pictures were taken is damaged: frames must be from 1 to 1000, found 0"):
        picture_as_made(Recording("a", place, "wave"), open_cutter(made), {"options": {"frames": 0}})


def test_pictures_of_a_video_are_one_clip_and_other_pictures_one_each(tmp_path: Path) -> None:
    for name in ("wave_ann_1_frame_0", "wave_ann_1_frame_1", "wave_bob_1"):
        save(tmp_path / "raw" / "wave" / f"{name}.png", wall())
    found = find_pictures(tmp_path / "raw")
    assert [(r.id, r.gesture, r.subject, len(r.pictures)) for r in found] == [
        ("wave/wave_ann_1", "wave", "ann", 2),
        ("wave/wave_bob_1", "wave", "bob", 1),
    ]


def test_the_folder_says_the_gesture_where_the_pattern_does_not(photos: Path) -> None:
    found = find_pictures(photos)
    assert {(r.gesture, r.subject) for r in found} == {("bar", None), ("disc", None), ("none", None)}


def test_some_gestures_alone(photos: Path) -> None:
    assert {r.gesture for r in find_pictures(photos, gestures=("disc",))} == {"disc"}
    with pytest.raises(SourceError, match=r"has nothing of wave\. It has: bar, disc, none"):
        find_pictures(photos, gestures=("wave",))


def test_two_pictures_of_one_name_are_refused(photos: Path) -> None:
    save(photos / "bar" / "ann_0.jpg", wall())
    with pytest.raises(SourceError, match="two pictures or videos of the name 'bar/ann_0'"):
        find_pictures(photos)


def test_options_out_of_range_are_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="frames must be from 1 to 1000, found 0"):
        PictureOptions(frames=0)
    with pytest.raises(ConfigError, match="workers must be 1 or more, found 0"):
        pictures(photos, tmp_path / "d.h5", PLAIN, workers=0)


@pytest.mark.parametrize("frames", [1, 2, 7, 8, 16, 17, 100, 333])
def test_whatever_the_length_the_frames_kept_are_spread_and_bounded(frames: int) -> None:
    kept = _Spread(8)
    for i in range(frames):
        kept.add(Frame(np.zeros((2, 2, 3), np.uint8), float(i)))
        assert len(kept._kept) <= 17
    times = [frame.timestamp_ms for frame in kept.frames(8)]
    assert len(times) == min(8, frames)
    assert times[0] == 0
    np.testing.assert_allclose(times, np.linspace(0, frames - 1, len(times)), atol=frames / 8)


def _dies(recording: Recording) -> Clip | str:
    os.kill(os.getpid(), signal.SIGKILL)
    return recording.id


def test_a_worker_that_dies_is_told() -> None:
    recordings = [Recording(str(i), Path("x"), "wave") for i in range(20)]
    with pytest.raises(AdemanError, match=r"process that cut out pictures died.*--workers 1"):
        list(_worked(recordings, partial(_dies), 2))


def test_real_photos_of_hands_become_crops(real_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    for digit in ("2", "5"):
        for photo in sorted((real_data / "hand-photos" / "digits" / digit).glob("*.jpg"))[:4]:
            (folder / digit).mkdir(parents=True, exist_ok=True)
            (folder / digit / photo.name).write_bytes(photo.read_bytes())
    summary = pictures(folder, tmp_path / "d.h5", PictureConfig(close_up=100, colours=3), PATTERN)
    assert summary.clips == {"2": 4, "5": 4}
    with Dataset(tmp_path / "d.h5") as dataset:
        assert dataset.channels == 192
        assert set(dataset.made["networks"]) == {"palm_detection_full", "hand_landmark_full"}
        assert all(subject.startswith("student") for subject in dataset.table.subjects.tolist())
