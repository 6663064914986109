from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.skeleton import HAND_POINTS
from ademan.synthetic import GESTURES, Person
from ademan.synthetic.gestures import Moves, Side
from ademan.synthetic.hand import Floats, mirrored, place
from ademan.synthetic.motion import track
from ademan.synthetic.poses import CHANNELS
from tests.synthetic.conftest import FEW

SEEDS = st.integers(0, 2**32 - 1)
SIDES: tuple[Side, Side] = ("left", "right")


@dataclass(frozen=True)
class Made:
    """A gesture as it was made, without trembling or errors of a detector."""

    person: Person
    moves: list[Moves]
    poses: Floats
    hand: Floats

    @property
    def picture(self) -> Floats:
        return self.person.camera.project(self.hand)

    @property
    def stroke(self) -> slice:
        """The frames of the first movement after the one that leads to the gesture's first pose."""
        start = self.moves[0][0].seconds
        return slice(int(start * 100), int((start + self.moves[0][1].seconds) * 100))


def make(label: str, side: Side, seed: int) -> Made:
    """Film the active hand at 100 frames a second."""
    rng = np.random.default_rng(seed)
    person = Person.draw(rng)
    moves = GESTURES[label](person, side, rng)
    first = moves[0][0].to
    assert first is not None
    length = sum(move.seconds for move in moves[0])
    poses = track(first, moves[0]).at(np.arange(0, length, 0.01))
    hand = place(person.hand.points(poses[:, 6:]), poses[:, :6])
    return Made(person, moves, poses, hand if side == "right" else mirrored(hand))


def point(name: str) -> int:
    return HAND_POINTS.index(name)


@pytest.mark.parametrize("label", GESTURES)
@FEW
@given(seed=SEEDS)
def test_every_gesture_has_start_stroke_and_end_and_a_human_length(label: str, seed: int) -> None:
    made = make(label, "right", seed)
    lengths = [sum(move.seconds for move in hand) for hand in made.moves]
    assert lengths == pytest.approx([lengths[0]] * len(lengths))
    assert 0.5 < lengths[0] * made.person.tempo < 2.8
    for hand in made.moves:
        assert len(hand) >= 3
        assert hand[0].to is not None
        assert hand[-1].to is not None


@pytest.mark.parametrize("label", GESTURES)
def test_gestures_last_about_a_second_and_a_half(label: str) -> None:
    lengths = [len(make(label, "right", seed).poses) / 100 for seed in range(40)]
    assert 0.9 < np.median(lengths) < 1.8
    assert np.std(lengths) > 0.1


@pytest.mark.parametrize("label", GESTURES)
@FEW
@given(seed=SEEDS)
def test_hands_move_smoothly_and_no_faster_than_people_can(label: str, seed: int) -> None:
    made = make(label, "right", seed)
    speed = np.linalg.norm(np.diff(made.hand[:, 0], axis=0), axis=-1) / 0.01
    assert speed.max() < 5.0
    assert np.abs(np.diff(speed)).max() < 0.6


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("label", "sign"), [("swipe_left", -1), ("swipe_right", 1)])
@FEW
@given(seed=SEEDS)
def test_swipes_go_their_way_in_the_picture_whichever_the_hand_and_the_viewpoint(
    side: Side, label: str, sign: int, seed: int
) -> None:
    made = make(label, side, seed)
    wrist_x = made.picture[:, 0, 0]
    stroke = wrist_x[made.stroke]
    palm = np.linalg.norm(made.picture[:, 9] - made.picture[:, 0], axis=-1).mean()
    assert sign * (stroke[-1] - stroke[0]) > palm
    steps = np.diff(wrist_x)
    assert np.sign(steps[np.abs(steps).argmax()]) == sign


@FEW
@given(seed=SEEDS)
def test_a_pinch_brings_thumb_and_index_finger_together(seed: int) -> None:
    made = make("pinch", "right", seed)
    gap = np.linalg.norm(made.hand[:, point("thumb_tip")] - made.hand[:, point("index_tip")], axis=-1)
    closed, opened = gap[made.stroke][-1], gap[made.stroke][0]
    assert closed < 0.02
    assert opened > closed + 0.015


@FEW
@given(seed=SEEDS)
def test_a_wave_goes_to_and_fro(seed: int) -> None:
    made = make("wave", "left", seed)
    tip_x = made.hand[made.stroke, point("middle_tip"), 0]
    turns = np.flatnonzero(np.diff(np.sign(np.diff(tip_x))))
    assert len(turns) >= 3
    assert np.ptp(tip_x) > 0.05


@FEW
@given(seed=SEEDS)
def test_a_circle_goes_all_the_way_round(seed: int) -> None:
    made = make("circle", "right", seed)
    tip = made.hand[made.stroke, point("index_tip"), :2]
    about = tip - (tip.max(axis=0) + tip.min(axis=0)) / 2
    angle = np.unwrap(np.arctan2(about[:, 1], about[:, 0]))
    assert 0.9 < np.abs(angle[-1] - angle[0]) / (2 * np.pi) < 2.1


@FEW
@given(seed=SEEDS)
def test_spreading_takes_two_hands_apart(seed: int) -> None:
    made = make("spread", "right", seed)
    assert len(made.moves) == 2
    x = CHANNELS.index("x")
    for hand in made.moves:
        start, end = hand[0].to, hand[1].to
        assert start is not None
        assert end is not None
        assert start[x] < 0
        assert end[x] < start[x] - 0.08


@pytest.mark.parametrize("label", GESTURES)
def test_repetitions_and_persons_differ(label: str) -> None:
    rng = np.random.default_rng(3)
    person = Person.draw(rng)
    a, b = (GESTURES[label](person, "right", rng)[0] for _ in range(2))
    assert not np.allclose(np.asarray(a[0].to), np.asarray(b[0].to))
    assert a[1].seconds != b[1].seconds
