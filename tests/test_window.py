import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.clip import MAX_GAP_MS, Points, Times, times_at
from ademan.errors import ConfigError
from ademan.window import Fit, Window, stack

NAN = float("nan")
FITS = st.one_of(
    st.builds(Window, st.integers(1, 40), st.sampled_from(["pad", "spread"])),
    st.builds(Window, st.integers(1, 40), st.just("rate"), st.sampled_from([10.0, 20.0, 24.0, 30.0, 50.0, 60.0])),
)


@st.composite
def recordings(draw: st.DrawFn) -> tuple[Points, Times]:
    """Points of a clip with some missing, and irregular timestamps."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    T = draw(st.integers(1, 30))
    points = rng.uniform(0, 1, (T, 5, draw(st.sampled_from([2, 3])))).astype(np.float32)
    points[rng.random((T, 5)) < draw(st.sampled_from([0, 0.2, 1]))] = np.nan
    return points, np.cumsum(rng.uniform(3, 300, T))


def line(fps: float, seconds: float) -> tuple[Points, Times]:
    """A point whose x is the time in seconds."""
    times = times_at(fps, round(seconds * fps) + 1)
    return np.stack([times / 1000, np.zeros(len(times))], axis=1)[:, None].astype(np.float32), times


@given(recordings(), FITS)
def test_a_window_has_the_length_that_its_fit_promises(clip: tuple[Points, Times], window: Window) -> None:
    points, times = clip
    duration_ms = times[-1] - times[0]
    expected = {
        "pad": min(len(points), window.frames),
        "spread": window.frames,
        "rate": min(window.frames, 1 + int(duration_ms * window.fps / 1000 + 1e-5)),
    }
    cut = window.cut(points, times)
    assert cut.shape == (expected[window.fit], *points.shape[1:])
    assert cut.dtype == np.float32


@given(recordings(), FITS, st.sampled_from([-5e5, 1e9, 1.7e12]))
def test_a_shift_in_time_changes_nothing(clip: tuple[Points, Times], window: Window, shift_ms: float) -> None:
    points, times = clip
    np.testing.assert_allclose(window.cut(points, times + shift_ms), window.cut(points, times), atol=1e-3)


@given(recordings(), FITS)
def test_no_argument_is_changed(clip: tuple[Points, Times], window: Window) -> None:
    points, times = clip[0].copy(), clip[1].copy()
    window.cut(*clip)
    np.testing.assert_array_equal(clip[0], points)
    np.testing.assert_array_equal(clip[1], times)


@given(recordings(), FITS)
def test_a_window_holds_no_value_beyond_those_of_its_clip(clip: tuple[Points, Times], window: Window) -> None:
    points, cut = clip[0], window.cut(*clip)
    if np.isnan(points).all():
        assert np.isnan(cut).all()
    elif not np.isnan(cut).all():
        assert np.nanmin(cut) >= np.nanmin(points) - 1e-5
        assert np.nanmax(cut) <= np.nanmax(points) + 1e-5


@given(recordings())
def test_pad_takes_the_first_frames_as_they_are(clip: tuple[Points, Times]) -> None:
    np.testing.assert_array_equal(Window(7, "pad").cut(*clip), clip[0][:7])


@given(recordings(), st.floats(0.2, 5.0))
def test_spread_is_the_same_at_any_speed(clip: tuple[Points, Times], speed: float) -> None:
    points, times = np.nan_to_num(clip[0]), clip[1] / 8  # no gap is long, however slowly it is played
    cut = Window(16, "spread").cut(points, times * speed)
    np.testing.assert_allclose(cut, Window(16, "spread").cut(points, times), atol=1e-3)


def test_spread_reaches_from_the_first_frame_to_the_last() -> None:
    np.testing.assert_allclose(Window(5, "spread").cut(*line(30, 2))[:, 0, 0], [0, 0.5, 1, 1.5, 2], atol=1e-6)


def test_spread_repeats_a_single_frame() -> None:
    points, times = line(30, 0)
    assert Window(3, "spread").cut(points, times).shape == (3, 1, 2)
    assert not np.isnan(Window(3, "spread").cut(points, times)).any()


@given(recordings(), st.integers(1, 40), st.sampled_from([10.0, 24.0, 30.0, 60.0]))
def test_rate_ends_with_the_last_frame(clip: tuple[Points, Times], frames: int, fps: float) -> None:
    points, times = clip
    cut = Window(frames, "rate", fps).cut(points, times)
    seen = ~np.isnan(points[-1]).any(axis=1)
    np.testing.assert_allclose(cut[-1, seen], points[-1, seen], atol=1e-5)


def test_rate_takes_the_last_frames_at_its_rate() -> None:
    np.testing.assert_allclose(Window(3, "rate", 10).cut(*line(30, 2))[:, 0, 0], [1.8, 1.9, 2.0], atol=1e-6)
    np.testing.assert_allclose(Window(30, "rate", 2).cut(*line(30, 2))[:, 0, 0], [0, 0.5, 1, 1.5, 2], atol=1e-6)


def _wave(fps: float, start_ms: float = 0.0) -> tuple[Points, Times]:
    """Four seconds of two points that go to and fro half a time a second."""
    times = times_at(fps, round(4 * fps) + 1)
    phase = np.pi * times / 1000
    places = np.stack([np.cos(phase), np.sin(phase), np.sin(phase + 1), np.cos(phase + 1)], axis=1)
    return places.reshape(-1, 2, 2).astype(np.float32), times + start_ms


@pytest.mark.parametrize("fps", [4.0, 5.0, 12.5, 24.0, 25.0, 29.97, 30.0, 60.0, 120.0])
def test_the_same_motion_recorded_at_any_rate_gives_nearly_the_same_window(fps: float) -> None:
    window = Window(40, "rate", 20)
    cut = window.cut(*_wave(fps))
    assert cut.shape == (40, 2, 2)
    # A straight line leaves an arc of 250 ms at pi a second by 1 - cos(0.39); 29.97 a second ends 4 ms later.
    np.testing.assert_allclose(cut, window.cut(*_wave(1000.0)), atol=0.08)


def test_four_and_a_hundred_and_twenty_frames_a_second_give_nearly_the_same_window() -> None:
    window = Window(40, "rate", 20)
    np.testing.assert_allclose(window.cut(*_wave(4)), window.cut(*_wave(120, 1e9)), atol=0.08)


def test_a_frame_that_was_missed_is_read_off_the_line() -> None:
    points, times = line(20, 1)
    points[7] = np.nan
    np.testing.assert_allclose(Window(21, "rate", 20).cut(points, times), line(20, 1)[0], atol=1e-6)


def test_no_motion_is_invented_across_a_long_gap() -> None:
    points, times = line(20, 2)
    points[10:20] = np.nan
    assert times[20] - times[9] > MAX_GAP_MS
    for window in (Window(41, "rate", 20), Window(41, "spread")):
        np.testing.assert_array_equal(np.isnan(window.cut(points, times)), np.isnan(points))


@given(st.lists(recordings().map(lambda clip: clip[0][..., :2]), min_size=1, max_size=5))
def test_a_stack_is_padded_with_missing_frames_at_the_end(windows: list[Points]) -> None:
    batch = stack(windows)
    assert batch.shape == (len(windows), max(map(len, windows)), 5, 2)
    assert batch.dtype == np.float32
    for row, window in zip(batch, windows, strict=True):
        np.testing.assert_array_equal(row[: len(window)], window)
        assert np.isnan(row[len(window) :]).all()


@given(FITS)
def test_a_window_comes_back_from_its_plain_values(window: Window) -> None:
    assert Window(**json.loads(json.dumps(window.to_json()))) == window


@pytest.mark.parametrize("frames", [0, -3])
def test_a_window_without_frames_is_refused(frames: int) -> None:
    with pytest.raises(ConfigError, match=f"a window needs one frame or more, found {frames}"):
        Window(frames)


def test_an_unknown_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="window fit 'stretch' is unknown; choose pad, spread or rate"):
        Window(10, "stretch")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fit", "fps"),
    [("rate", 0), ("rate", -1), ("rate", NAN), ("rate", np.inf), ("pad", 20), ("pad", -1), ("spread", NAN)],
)
def test_a_rate_goes_with_the_fit_rate_only(fit: Fit, fps: float) -> None:
    with pytest.raises(ConfigError, match=f"window fit '{fit}' with .* 'rate' needs a rate above zero"):
        Window(10, fit, fps)


def test_the_fields_cannot_be_changed() -> None:
    window = Window()
    assert replace(window, frames=5) == Window(5)
    with pytest.raises(AttributeError):
        window.frames = 5  # type: ignore[misc]


def test_pictures_are_never_mixed_with_their_neighbours() -> None:
    pictures = np.arange(5, dtype=np.float32)[:, None, None] * np.ones((5, 16, 48), np.float32)
    times = np.array([0.0, 100.0, 200.0, 300.0, 420.0])
    for window, expected in (
        (Window(3, "spread"), [0, 2, 4]),
        (Window(4, "spread"), [0, 1, 3, 4]),
        (Window(3, "rate", 10), [2, 3, 4]),
        (Window(1, "rate", 10), [4]),
        (Window(2, "pad"), [0, 1]),
    ):
        assert window.cut(pictures, times, "pixels")[:, 0, 0].tolist() == expected
    assert Window(3, "spread").cut(pictures[:1], times[:1], "pixels")[:, 0, 0].tolist() == [0, 0, 0]
