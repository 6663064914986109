import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.errors import ConfigError
from ademan.synthetic.hand import Floats
from ademan.synthetic.motion import Move, band_noise, cruise, minimum_jerk, track, tremble
from ademan.synthetic.poses import CHANNELS, channels
from tests.synthetic.conftest import FEW

START, END = channels(x=-0.1), channels(x=0.2, index_mcp=40)


@pytest.mark.parametrize("course", [minimum_jerk, cruise])
@FEW
@given(done=st.floats(0, 1), more=st.floats(0, 1))
def test_courses_rise_from_nothing_to_all(course: object, done: float, more: float) -> None:
    assert callable(course)
    early, late = course(np.sort(np.array([done, more])))
    assert 0 <= early <= late + 1e-12 <= 1 + 1e-9
    np.testing.assert_allclose(course(np.array([0.0, 0.5, 1.0])), [0, 0.5, 1], atol=1e-12)


def test_a_movement_leads_from_pose_to_pose_and_stays_there() -> None:
    way = track(START, [Move(0.5, END), Move(1.0)])
    poses = way.at(np.array([-1.0, 0.0, 0.25, 0.5, 1.2, 9.0]))
    np.testing.assert_allclose(poses, [START, START, (START + END) / 2, END, END, END])


def test_a_reach_has_the_peak_speed_of_minimum_jerk() -> None:
    seconds = np.linspace(0, 2, 2001)
    x = track(START, [Move(2.0, END)]).at(seconds)[:, 0]
    assert np.gradient(x, seconds).max() == pytest.approx(1.875 * 0.3 / 2.0, rel=1e-3)


def test_poses_do_not_jump_between_movements() -> None:
    wave = Move(0.8, END, sine=channels(roll=30), cycles=2.5)
    circle = Move(0.8, START, sine=channels(x=0.1), cosine=channels(y=0.1), cycles=2)
    way = track(START, [Move(0.4, END), wave, circle, Move(0.3)])
    poses = way.at(np.linspace(0, 2.5, 5001))
    assert np.abs(np.diff(poses, axis=0)).max() < 0.5


def test_a_circle_is_round() -> None:
    circle = Move(1.0, START, sine=channels(x=0.1), cosine=channels(y=0.1), cycles=1)
    x, y = track(START, [circle]).at(np.linspace(0, 1, 50))[:, :2].T
    np.testing.assert_allclose(np.hypot(x - START[0], y + 0.1), 0.1)


def test_channels_come_late_by_their_lag() -> None:
    seconds, lag = np.linspace(0, 1, 30), np.full(len(CHANNELS), 0.1)
    way = track(START, [Move(0.5, END)])
    np.testing.assert_allclose(way.at(seconds + 0.1, lag), way.at(seconds), atol=1e-12)


@FEW
@given(st.integers(0, 1000))
def test_trembling_is_small_and_slow(seed: int) -> None:
    seconds = np.linspace(0, 5, 501)
    shake = tremble(seconds, 1.0, np.random.default_rng(seed))
    assert np.abs(shake[:, :3]).max() < 0.03
    assert np.abs(np.diff(shake[:, :3], axis=0) / 0.01).max() < 0.3


def test_noise_lies_within_its_band() -> None:
    seconds = np.arange(4000) / 100
    noise = band_noise(seconds, 8, 12, np.random.default_rng(0))
    power: Floats = np.abs(np.fft.rfft(noise * np.hanning(4000)[:, None], axis=0)) ** 2
    hz = np.fft.rfftfreq(4000, 0.01)
    assert power[(hz > 7.5) & (hz < 12.5)].sum() > 0.999 * power.sum()
    assert noise.std() == pytest.approx(1, abs=0.05)


def test_a_movement_that_takes_no_time_is_refused() -> None:
    with pytest.raises(ConfigError, match="more than 0 s, found 0 s"):
        Move(0.0, END)


@pytest.mark.parametrize(("cosine", "cycles"), [(channels(), 0.3), (channels(x=1), 1.5)])
def test_an_oscillation_that_ends_in_a_jump_is_refused(cosine: Floats, cycles: float) -> None:
    with pytest.raises(ConfigError, match=f"of {cycles:g} cycles ends in a jump"):
        Move(1.0, END, sine=channels(x=1), cosine=cosine, cycles=cycles)
