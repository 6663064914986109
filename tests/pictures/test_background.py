"""The empty scene: from a file, from frames, or a wall fitted to the border."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ademan.errors import ConfigError, VideoError
from ademan.pictures import BACKGROUND_VARIABLE
from ademan.pictures.background import fitted, learn_background, plain_background, read_background
from tests.pictures.scenes import room, wall, with_fist


def test_a_picture_is_read_by_its_name_or_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = room()
    cv2.imwrite(str(tmp_path / "empty.png"), scene[..., ::-1])
    np.testing.assert_array_equal(read_background(tmp_path / "empty.png"), scene)
    monkeypatch.setenv(BACKGROUND_VARIABLE, str(tmp_path / "empty.png"))
    np.testing.assert_array_equal(read_background(), scene)


def test_without_a_picture_it_is_said_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BACKGROUND_VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=r"picture of the empty scene.*name its file in ADEMAN_BACKGROUND"):
        read_background()


def test_a_picture_that_is_missing_or_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"there is no picture .*gone\.png of the empty scene"):
        read_background(tmp_path / "gone.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(VideoError, match=r"text\.png is no picture that can be read"):
        read_background(tmp_path / "text.png")


def test_what_moves_is_not_in_the_median() -> None:
    frames = [with_fist(room(seed=i), (10 + 14 * i, 60), 12) for i in range(11)]
    learnt = learn_background(frames).astype(float)
    assert np.abs(learnt - room(seed=99)).mean() < 4


def test_frames_of_two_sizes_are_refused() -> None:
    with pytest.raises(VideoError, match="frames of one size"):
        learn_background([room(), room(80, 60)])
    with pytest.raises(VideoError, match="one or more frames"):
        learn_background([])


def test_a_scene_is_brought_to_the_size_of_the_frames() -> None:
    assert fitted(room(), (80, 60)).shape == (60, 80, 3)
    scene = room()
    assert fitted(scene, (160, 120)) is scene


def test_a_scene_of_another_shape_is_refused() -> None:
    with pytest.raises(VideoError, match="has 160 x 120 pixels, the frames have 120 x 160: another shape"):
        fitted(room(), (120, 160))


def test_a_wall_is_seen_through_a_hand_that_comes_in_from_below() -> None:
    empty = wall()
    shown = cv2.rectangle(with_fist(empty, (50, 45), 22), (40, 50), (60, 99), (170, 110, 80), -1)
    found = plain_background(np.asarray(shown, np.uint8)).astype(float)
    assert np.abs(found - empty).max() < 16
    assert np.abs(found - empty).mean() < 3
