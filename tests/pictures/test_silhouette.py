"""Silhouettes: what is there is found, whatever the light does, and where nothing is, nothing is found."""

from dataclasses import replace

import numpy as np
import pytest

from ademan.errors import VideoError
from ademan.pictures import PictureConfig, Silhouettes, as_picture
from ademan.pictures.silhouette import LONGEST, silhouette
from ademan.skeleton import picture_rows
from ademan.video import Frame, Image
from tests.pictures.scenes import fist, noisy, overlap, room, wall, with_fist

PLACE = ((100, 55), 25)
CONFIG = PictureConfig(of="silhouette", size=32, margin=0.1)


def shown(seed: int = 1) -> Image:
    return with_fist(room(seed=seed), *PLACE)


def test_what_is_in_front_is_found() -> None:
    mask = silhouette(shown(), room())
    assert set(np.unique(mask)) == {0, 255}
    assert overlap(mask > 0, fist(room(), *PLACE)) > 0.9


@pytest.mark.parametrize("light", [0.8, 0.9, 1.1, 1.2])
def test_light_that_changes_everywhere_is_no_silhouette(light: float) -> None:
    changed = noisy(shown() * light, np.random.default_rng(2))
    assert overlap(silhouette(changed, room()) > 0, fist(room(), *PLACE)) > 0.85


def test_another_white_balance_is_no_silhouette() -> None:
    changed = noisy(shown() * [1.08, 1.0, 0.9], np.random.default_rng(2))
    assert overlap(silhouette(changed, room()) > 0, fist(room(), *PLACE)) > 0.85


def test_a_soft_shadow_is_no_silhouette() -> None:
    dark = np.ones((120, 160, 1))
    dark[70:110, 10:60] = 0.85
    changed = noisy(shown() * dark, np.random.default_rng(2))
    assert overlap(silhouette(changed, room()) > 0, fist(room(), *PLACE)) > 0.85


def test_specks_are_wiped_off_and_gaps_are_closed() -> None:
    spotted = shown()
    spotted[10:12, 20:22] = (255, 0, 0)
    spotted[54:56, 80:120] = room()[54:56, 80:120]
    found = silhouette(spotted, room()) > 0
    assert not found[:20, :30].any()
    assert found[54:56, 90:110].all()


def test_the_largest_region_is_taken_and_others_that_are_not_much_smaller() -> None:
    both = with_fist(with_fist(shown(), (30, 30), 18), (60, 100), 5)
    found = silhouette(both, room()) > 0
    assert found[55, 100]
    assert found[30, 30]
    assert not found[100, 60]


def test_a_threshold_that_is_given_counts() -> None:
    assert (silhouette(shown(), room(), 4.0) > 0).sum() > (silhouette(shown(), room(), 40.0) > 0).sum()


def test_the_silhouette_fills_the_square_but_for_its_margin() -> None:
    values = Silhouettes(CONFIG, room()).find(Frame(shown(), 0.0))
    assert values.shape == (32, 32)
    assert set(np.unique(values)) == {0.0, 255.0}
    there = np.flatnonzero((values > 0).any(axis=0))
    margin = 32 * 0.1 / 1.2
    np.testing.assert_allclose((there[0], 31 - there[-1]), margin, atol=1.5)


def test_where_it_stands_and_how_large_it_is_changes_little() -> None:
    finder = Silhouettes(CONFIG, room())
    one = finder.find(Frame(with_fist(room(seed=1), (50, 50), 20), 0.0)) > 0
    other = finder.find(Frame(with_fist(room(seed=2), (110, 70), 35), 0.0)) > 0
    assert overlap(one, other) > 0.85


def test_in_the_empty_scene_nothing_is_seen() -> None:
    finder = Silhouettes(CONFIG, room())
    for seed in range(1, 6):
        assert np.isnan(finder.find(Frame(room(seed=seed), 0.0))).all()


def test_a_silhouette_that_is_too_small_is_none() -> None:
    small = Frame(with_fist(room(seed=1), (100, 55), 6), 0.0)
    assert not np.isnan(Silhouettes(CONFIG, room()).find(small)).any()
    assert np.isnan(Silhouettes(replace(CONFIG, least=0.02), room()).find(small)).all()


def test_over_the_picture_s_edge_there_is_black() -> None:
    values = Silhouettes(CONFIG, room()).find(Frame(with_fist(room(seed=1), (80, 119), 25), 0.0))
    assert not values[24:].any()
    assert values[10:22].any()


def test_in_a_stream_the_scene_is_learnt_from_the_beginning() -> None:
    finder = Silhouettes(replace(CONFIG, background="start", learn_ms=400.0))
    for i in range(11):
        assert finder.learning
        assert np.isnan(finder.find(Frame(room(seed=i), 40.0 * i))).all()
    assert not finder.learning
    assert not np.isnan(finder.find(Frame(shown(20), 480.0))).any()
    finder.reset()
    assert finder.learning


def test_a_clock_that_goes_back_begins_the_learning_anew() -> None:
    finder = Silhouettes(replace(CONFIG, background="start", learn_ms=400.0))
    for time_ms in (1000.0, 1200.0, 100.0, 300.0, 499.0):
        finder.find(Frame(room(), time_ms))
        assert finder.learning
    finder.find(Frame(room(), 500.0))
    assert not finder.learning


def test_a_scene_that_was_given_is_kept_over_a_reset() -> None:
    finder = Silhouettes(CONFIG, room())
    finder.learn([shown(), shown(2)])
    assert np.isnan(finder.find(Frame(shown(3), 0.0))).all()
    finder.reset()
    assert not np.isnan(finder.find(Frame(shown(3), 0.0))).any()


def test_before_a_plain_wall_no_scene_is_needed() -> None:
    finder = Silhouettes(replace(CONFIG, background="plain"))
    assert not finder.learning
    picture = as_picture(finder.find(Frame(with_fist(wall(), (50, 45), 22), 0.0)))[..., 0] > 0
    assert overlap(picture, fist(np.zeros((32, 32, 3), np.uint8), (16, 16), 13)) > 0.85
    assert np.isnan(finder.find(Frame(wall(seed=3), 0.0))).all()


def test_frames_of_another_shape_than_the_scene_are_refused() -> None:
    with pytest.raises(VideoError, match="another shape"):
        Silhouettes(CONFIG, room()).find(Frame(room(120, 160), 0.0))


def test_large_frames_are_brought_down() -> None:
    large = np.asarray(np.kron(shown(), np.ones((8, 8, 1))), np.uint8)
    values = Silhouettes(CONFIG, room(LONGEST, 360)).find(Frame(large, 0.0))
    small = Silhouettes(CONFIG, room()).find(Frame(shown(), 0.0))
    assert overlap(values > 0, small > 0) > 0.9


def test_its_rows_are_named_and_closing_twice_is_well() -> None:
    finder = Silhouettes(CONFIG)
    assert finder.skeleton == picture_rows(32)
    finder.close()
    finder.close()
