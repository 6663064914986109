import numpy as np
import pytest

from ademan.synthetic.detector import Detector, palm_lengths
from ademan.synthetic.hand import ANGLES, Floats, Hand

ASPECT = 4 / 3
PERFECT = Detector(jitter=0, drift=0, lost_per_s=0)


def still_hands(frames: int = 100, y: float = 0.6) -> Floats:
    """Two hands that do not move, each a quarter of the picture high: (T, 2, 21, 3)."""
    points = Hand.of(0.187, 0.084).points(np.zeros(len(ANGLES)))
    hands = np.stack([points + [0.35, y, 0], points + [0.95, y, 0]])
    return np.repeat(hands[None], frames, axis=0)


def times(frames: int = 100, fps: float = 25) -> Floats:
    return np.arange(frames) / fps


def lost(hands: Floats, detector: Detector = PERFECT, seed: int = 0) -> Floats:
    found = detector.see(hands, times(len(hands)), ASPECT, np.random.default_rng(seed))
    return np.asarray(np.isnan(found), np.float64)


def test_a_perfect_detector_gives_still_hands_as_they_are(rng: np.random.Generator) -> None:
    hands = still_hands()
    np.testing.assert_allclose(PERFECT.see(hands, times(), ASPECT, rng), hands)


def test_hands_are_lost_whole_and_no_argument_is_changed(rng: np.random.Generator) -> None:
    hands = still_hands(1000)
    before = hands.copy()
    missing = np.isnan(Detector(lost_per_s=2.0).see(hands, times(1000), ASPECT, rng))
    np.testing.assert_array_equal(hands, before)
    assert (missing.all(axis=(2, 3)) == missing.any(axis=(2, 3))).all()
    assert 0.02 < missing.mean() < 0.5


def test_errors_are_as_large_as_asked_and_spare_the_z_of_the_wrist(rng: np.random.Generator) -> None:
    hands = still_hands(500)
    error = Detector(jitter=0.01, drift=0, lost_per_s=0).see(hands, times(500), ASPECT, rng) - hands
    palm = palm_lengths(hands).mean()
    assert error[..., :2].std() == pytest.approx(0.01 * palm, rel=0.05)
    assert error[..., 1:, 2].std() > error[..., :2].std()
    assert (error[..., 0, 2] == 0).all()


def test_a_hand_outside_of_the_picture_is_not_found() -> None:
    assert lost(still_hands(y=1.3)).all()
    assert lost(still_hands(y=-0.1)).all()
    assert not lost(still_hands()).any()


def test_quick_hands_and_hands_at_the_edge_are_lost_more_often() -> None:
    quick = still_hands(400)
    quick[..., 0] += 0.12 * np.sin(2 * np.pi * 3 * times(400))[:, None, None]
    edge = still_hands(400, y=0.205)
    assert lost(quick).mean() > 0.05
    assert lost(edge).mean() > 0.05
    assert lost(still_hands(400)).mean() == 0


def test_hands_that_touch_are_lost_at_times() -> None:
    hands = still_hands(400)
    hands[:, 1] = hands[:, 0] + [0.03, 0, 0]
    assert lost(hands).mean() > 0.05


def test_hands_are_lost_for_runs_of_frames_about_half_of_them_short() -> None:
    gone = lost(still_hands(10000), Detector(lost_per_s=0.3))[:, 0, 0, 0]
    edges = np.diff(gone, prepend=0, append=0)
    runs = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    assert 0.35 < (runs == 1).mean() < 0.65
    assert 0.03 < (runs > 6).mean() < 0.2


def test_one_frame_can_be_seen(rng: np.random.Generator) -> None:
    assert Detector.draw(rng).see(still_hands(1), times(1), ASPECT, rng).shape == (1, 2, 21, 3)
