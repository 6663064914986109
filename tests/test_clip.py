from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ademan.clip import (
    MAX_GAP_MS,
    Clip,
    Coordinates,
    Points,
    Times,
    as_fractions,
    as_square,
    mirror,
    points_at,
    resample,
    times_at,
)
from ademan.errors import ClipError
from ademan.skeleton import BUILT_IN, Skeleton, skeleton

HANDS = skeleton("hands")
ONE = Skeleton("one", ("tip",), (), (0,))
EPOCH_MS = 1.7e12
"""A clock's time, as cameras give it: far from zero, where float64 still tells 0.0003 ms apart."""


@st.composite
def clips(draw: st.DrawFn, fps: float = 0) -> Clip:
    """A clip of any built-in skeleton in any coordinates, with points missing here and there."""
    shape = (
        draw(st.integers(1, 12)),
        len(body := draw(st.sampled_from(list(BUILT_IN.values())))),
        draw(st.sampled_from([2, 3])),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    points = rng.uniform(-1, 2, shape).astype(np.float32)
    points[rng.random(shape[:2]) < draw(st.sampled_from([0, 0.1, 0.5, 1]))] = np.nan
    steps = rng.uniform(5, 400, shape[0])
    return Clip(
        points,
        times_at(fps, shape[0]) if fps else np.cumsum(steps),
        body,
        image_wh=draw(st.sampled_from([None, (640, 480), (1080, 1920)])),
        coordinates=draw(st.sampled_from(get_args(Coordinates))),
    )


def track(*x: float, fps: float = 25.0) -> Clip:
    """A clip of a single point with these x; y is 0."""
    points = np.stack([np.array(x), np.zeros(len(x))], axis=1)[:, None].astype(np.float32)
    points[np.isnan(points).any(axis=2)] = np.nan
    return Clip(points, times_at(fps, len(x)), ONE)


NAN = float("nan")


@given(clips())
def test_mirroring_twice_changes_nothing(clip: Clip) -> None:
    twice = mirror(mirror(clip))
    np.testing.assert_allclose(twice.points, clip.points, atol=1e-6)
    assert replace(twice, points=clip.points).timestamps_ms is clip.timestamps_ms


@given(clips())
def test_mirroring_swaps_left_and_right_and_keeps_y_and_z(clip: Clip) -> None:
    names = clip.skeleton.points
    swap = {"left": "right", "right": "left"}
    mirrored = mirror(clip)
    for i, name in enumerate(names):
        image = names.index("_".join(swap.get(word, word) for word in name.split("_")))
        np.testing.assert_array_equal(mirrored.points[:, image, 1:], clip.points[:, i, 1:])
        total = mirrored.points[:, image, 0] + clip.points[:, i, 0]
        assert np.ptp(total[~np.isnan(total)]) < 1e-5 if not np.isnan(total).all() else True


@given(clips())
def test_mirroring_keeps_all_distances(clip: Clip) -> None:
    mirrored, back = mirror(clip).points, list(clip.skeleton.mirror)
    for i, j in clip.skeleton.limbs:
        before = np.linalg.norm(clip.points[:, i] - clip.points[:, j], axis=1)
        after = np.linalg.norm(mirrored[:, back[i]] - mirrored[:, back[j]], axis=1)
        np.testing.assert_allclose(after, before, atol=1e-5)


@pytest.mark.parametrize(
    ("coordinates", "image_wh", "expected"),
    [
        ("fraction", (640, 480), [0.9, 0.4]),
        ("metres", (640, 480), [-0.1, -0.6]),
        ("square", (640, 480), [640 / 480 - 0.1, 640 / 480 - 0.6]),
        ("square", None, [0.6, 0.1]),
    ],
)
def test_the_picture_is_turned_round_at_its_middle(
    coordinates: Coordinates, image_wh: tuple[int, int] | None, expected: list[float]
) -> None:
    clip = replace(track(0.1, 0.6), coordinates=coordinates, image_wh=image_wh)
    np.testing.assert_allclose(mirror(clip).points[:, 0, 0], expected, atol=1e-6)


def test_a_clip_in_which_nothing_is_seen_can_be_mirrored() -> None:
    assert np.isnan(mirror(track(NAN, NAN)).points).all()


@given(clips(fps=30.0))
def test_resampling_at_the_same_rate_keeps_all_that_was_seen(clip: Clip) -> None:
    same = resample(clip, 30.0)
    np.testing.assert_allclose(same.timestamps_ms, clip.timestamps_ms)
    np.testing.assert_allclose(same.points[clip.seen], clip.points[clip.seen], atol=1e-5)


@given(clips(fps=3.0))
def test_resampling_a_slow_clip_at_the_same_rate_gives_the_same_clip(clip: Clip) -> None:
    np.testing.assert_allclose(resample(clip, 3.0).points, clip.points, atol=1e-5)


@given(clips(), st.sampled_from([10.0, 20.0, 24.0, 25.0, 30.0, 50.0, 60.0]), st.floats(-1e6, 1e6))
def test_a_shift_in_time_changes_nothing(clip: Clip, fps: float, shift_ms: float) -> None:
    later = replace(clip, timestamps_ms=clip.timestamps_ms + shift_ms)
    _same_points(resample(clip, fps), resample(later, fps), shift_ms)


@given(
    st.integers(2, 30),
    st.sampled_from([20.0, 25.0, 30.0, 60.0, 120.0]),
    st.sampled_from([10.0, 20.0, 25.0, 30.0, 40.0, 60.0]),
    st.sampled_from([-1000.0, 1e9, EPOCH_MS]),
    st.data(),
)
def test_a_camera_that_counts_from_another_year_changes_nothing(
    frames: int, recorded_fps: float, fps: float, shift_ms: float, data: st.DataObject
) -> None:
    points = np.linspace(0, 1, frames * 2).reshape(frames, 1, 2).astype(np.float32)
    points[data.draw(hnp.arrays(bool, frames))] = np.nan
    clip = Clip(points, times_at(recorded_fps, frames), ONE)
    later = replace(clip, timestamps_ms=clip.timestamps_ms + shift_ms)
    _same_points(resample(clip, fps), resample(later, fps), shift_ms)


def _same_points(a: Clip, b: Clip, shift_ms: float) -> None:
    np.testing.assert_allclose(b.timestamps_ms, a.timestamps_ms + shift_ms, rtol=1e-9)
    np.testing.assert_array_equal(a.seen, b.seen)
    np.testing.assert_allclose(a.points, b.points, atol=1e-3)


@given(clips(), st.floats(1.0, 240.0))
def test_no_point_is_seen_long_before_or_after_a_sighting(clip: Clip, fps: float) -> None:
    result = resample(clip, fps)
    step_ms = np.median(np.diff(clip.timestamps_ms)) if len(clip) > 1 else 0.0
    for p in range(len(clip.skeleton)):
        sightings = clip.timestamps_ms[clip.seen[:, p]]
        for time in result.timestamps_ms[result.seen[:, p]]:
            before, after = sightings[sightings <= time + 1e-2], sightings[sightings >= time - 1e-2]
            near = np.abs(sightings - time).min() <= 0.5 * step_ms + 1e-2
            between = len(before) and len(after) and after[0] - before[-1] <= max(MAX_GAP_MS, 1.5 * step_ms) + 1e-2
            assert near or between


@given(clips(), st.floats(1.0, 240.0))
def test_a_resampled_point_lies_between_its_sightings(clip: Clip, fps: float) -> None:
    result = resample(clip, fps).points
    for p in range(len(clip.skeleton)):
        seen = clip.points[clip.seen[:, p], p]
        found = result[~np.isnan(result[:, p]).any(axis=1), p]
        assert len(seen) or not len(found)
        assert not len(found) or (found >= seen.min(axis=0) - 1e-5).all()
        assert not len(found) or (found <= seen.max(axis=0) + 1e-5).all()


@given(st.floats(2.0, 240.0), st.floats(1.0, 240.0), st.integers(2, 40))
def test_a_straight_motion_stays_straight_at_any_rate(recorded_fps: float, fps: float, frames: int) -> None:
    times = times_at(recorded_fps, frames)
    places = np.stack([times, -times], axis=1)[:, None] / 1000
    clip = Clip(places.astype(np.float32), times, ONE)
    result = resample(clip, fps)
    expected = np.minimum(result.timestamps_ms, times[-1]) / 1000
    np.testing.assert_allclose(result.points[:, 0], np.stack([expected, -expected], axis=1), rtol=1e-4, atol=1e-4)


@given(clips(), st.floats(1.0, 240.0))
def test_a_resampled_clip_begins_with_the_first_frame_and_never_outlasts_the_last(clip: Clip, fps: float) -> None:
    times = resample(clip, fps).timestamps_ms
    step_ms = 1000 / fps
    assert times[0] == clip.timestamps_ms[0]
    np.testing.assert_allclose(np.diff(times), step_ms, atol=1e-6)
    assert -0.01 * step_ms <= clip.timestamps_ms[-1] - times[-1] <= step_ms


@given(clips(), st.permutations(range(6)))
def test_the_order_in_which_times_are_asked_for_changes_nothing(clip: Clip, order: list[int]) -> None:
    wanted = np.linspace(clip.timestamps_ms[0] - 50, clip.timestamps_ms[-1] + 50, 6)
    in_turn = points_at(clip.points, clip.timestamps_ms, wanted)
    np.testing.assert_array_equal(points_at(clip.points, clip.timestamps_ms, wanted[order]), in_turn[order])


@given(clips())
def test_each_point_is_followed_by_itself(clip: Clip) -> None:
    wanted = np.linspace(clip.timestamps_ms[0], clip.timestamps_ms[-1], 7)
    together = points_at(clip.points, clip.timestamps_ms, wanted)
    for p in range(len(clip.skeleton)):
        alone = points_at(clip.points[:, p : p + 1], clip.timestamps_ms, wanted)
        np.testing.assert_array_equal(together[:, p : p + 1], alone)


@given(clips())
def test_no_argument_is_changed(clip: Clip) -> None:
    points, times = clip.points.copy(), clip.timestamps_ms.copy()
    mirror(clip), resample(clip, 17.0)
    np.testing.assert_array_equal(clip.points, points)
    np.testing.assert_array_equal(clip.timestamps_ms, times)


def test_a_point_missing_for_one_frame_is_read_off_the_line() -> None:
    np.testing.assert_allclose(resample(track(0, NAN, 2, 3), 25).points[:, 0, 0], [0, 1, 2, 3], atol=1e-6)


def test_a_gap_as_long_as_the_longest_is_bridged_and_a_longer_one_is_not() -> None:
    at_20_fps = [0, *[NAN] * 4, 5]
    assert MAX_GAP_MS == 5 * 1000 / 20
    np.testing.assert_allclose(resample(track(*at_20_fps, fps=20), 20).points[:, 0, 0], range(6), atol=1e-6)
    longer = resample(track(0, *[NAN] * 5, 6, fps=20), 20)
    assert longer.seen[:, 0].tolist() == [True, *[False] * 5, True]


def test_frames_that_a_slow_camera_takes_in_turn_are_joined_and_a_lost_one_is_not() -> None:
    clip = Clip(np.arange(12, dtype=np.float32).reshape(6, 1, 2), np.array([0, 400, 800, 1200, 2000, 2400.0]), ONE)
    seen = resample(clip, 10).seen[:, 0]
    assert seen[:15].all()
    assert not seen[15:18].any()
    assert seen[18:].all()


def test_nothing_is_lost_to_rounding_at_the_ends() -> None:
    wanted = np.array([-21.0, -19.0, 0.0, 40.0, 59.0, 61.0])
    found = points_at(track(1, 2).points, times_at(25, 2), wanted)[:, 0, 0]
    np.testing.assert_array_equal(found, [NAN, 1, 1, 2, 2, NAN])


def test_a_single_frame_is_itself_at_any_rate() -> None:
    clip = resample(track(7), 30)
    assert clip.points.tolist() == [[[7, 0]]]
    assert clip.duration_ms == 0


def test_a_point_that_lacks_one_coordinate_was_not_seen() -> None:
    points = np.zeros((3, 1, 3), np.float32)
    points[1, 0, 2] = np.nan
    clip = Clip(points, times_at(3, 3), ONE)
    assert clip.seen[:, 0].tolist() == [True, False, True]
    assert np.isnan(resample(clip, 3).points[1]).all()


def _twist(times: Times) -> Points:
    """A slow turn of one point, a third of a turn a second."""
    phase = 2 * np.pi * times / 3000
    return np.stack([np.cos(phase), np.sin(phase)], axis=1)[:, None].astype(np.float32)


@given(st.floats(4.0, 120.0), st.floats(4.0, 120.0))
def test_recordings_at_any_rate_give_nearly_the_same_motion(fps: float, other_fps: float) -> None:
    results = []
    for rate in (fps, other_fps):
        times = times_at(rate, int(2 * rate) + 1)
        results.append(resample(Clip(_twist(times), times, ONE), 20).points)
    shorter = min(map(len, results))
    assert shorter >= 35
    # A straight line leaves an arc of 250 ms at 2 pi / 3 a second by 1 - cos(0.26).
    np.testing.assert_allclose(results[0][:shorter], results[1][:shorter], atol=0.04)


def test_values_are_kept_as_float32_and_times_as_float64() -> None:
    clip = Clip([[[1, 2]], [[3, 4]]], [0, 40], ONE)  # type: ignore[arg-type]
    assert [array.dtype for array in (clip.points, clip.timestamps_ms)] == [np.dtype("f4"), np.dtype("f8")]
    assert len(clip) == 2
    assert clip.duration_ms == 40


GOOD: dict[str, Any] = {"points": np.zeros((3, 42, 2), np.float32), "timestamps_ms": times_at(25, 3), "skeleton": HANDS}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": np.zeros((3, 42))}, r"expected points of shape \(T, P, 2 or 3\), found \(3, 42\)"),
        ({"points": np.zeros((3, 42, 4))}, r"expected points of shape \(T, P, 2 or 3\), found \(3, 42, 4\)"),
        ({"points": np.zeros((3, 17, 2))}, "clip 'a' has 17 points a frame; skeleton 'hands' has 42"),
        ({"points": np.zeros((0, 42, 2)), "timestamps_ms": times_at(25, 0)}, "clip 'a' has no frame"),
        ({"points": np.full((3, 42, 2), -np.inf)}, "clip 'a' has infinite values; a point that was not seen is NaN"),
        ({"timestamps_ms": times_at(25, 4)}, r"clip 'a' has 3 frames and timestamps of shape \(4,\)"),
        ({"timestamps_ms": [0, 40, 40]}, "must be finite and rise from frame to frame"),
        ({"timestamps_ms": [0, 40, np.nan]}, "must be finite and rise from frame to frame"),
        ({"timestamps_ms": [0, 40, np.inf]}, "must be finite and rise from frame to frame"),
        ({"image_wh": (0, 480)}, "clip 'a': width and height of the pictures must be above zero, found 0 x 480"),
        ({"image_wh": (640, 0)}, "above zero, found 640 x 0. Leave image_wh out where they are not known"),
        ({"image_wh": (640, -480)}, "must be above zero, found 640 x -480"),
    ],
)
def test_a_clip_that_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ClipError, match=message):
        Clip(**GOOD | change, id="a")


def test_a_clip_without_an_id_is_called_the_clip() -> None:
    with pytest.raises(ClipError, match="the clip has no frame"):
        Clip(**GOOD | {"points": np.zeros((0, 42, 2))})


@given(clips(), st.one_of(st.floats(max_value=0), st.sampled_from([np.nan, np.inf])))
def test_a_rate_that_is_none_is_refused(clip: Clip, fps: float) -> None:
    with pytest.raises(ClipError, match="frames per second must be above zero"):
        resample(clip, fps)


@given(st.floats(0.1, 1000), st.integers(1, 50))
def test_frames_at_a_constant_rate_rise_from_zero(fps: float, frames: int) -> None:
    times = times_at(fps, frames)
    assume(frames > 1)
    assert times[0] == 0
    np.testing.assert_allclose(np.diff(times) * fps, 1000)


def test_squaring_measures_x_and_z_in_heights() -> None:
    points = np.ones((2, 1, 3), np.float32)
    np.testing.assert_allclose(as_square(points, (640, 480))[0, 0], [4 / 3, 1, 4 / 3])
    np.testing.assert_allclose(as_square(points[..., :2], (640, 480))[0, 0], [4 / 3, 1])
    assert (points == 1).all()


def test_fractions_of_square_points_squared_are_what_they_were(rng: np.random.Generator) -> None:
    points = rng.random((3, 5, 3)).astype(np.float32)
    np.testing.assert_allclose(as_square(as_fractions(points, (640, 480)), (640, 480)), points, rtol=1e-6)
