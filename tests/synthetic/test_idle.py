import numpy as np
import pytest

from ademan.synthetic import Person
from ademan.synthetic.hand import Floats, place
from ademan.synthetic.idle import IDLE_KINDS, IdleKind, draw_kind, idle, idle_pose
from ademan.synthetic.motion import track


def filmed(kind: IdleKind, seed: int, seconds: float = 4.0) -> tuple[Person, Floats]:
    """A right hand that idles, in space, at 50 frames a second."""
    rng = np.random.default_rng(seed)
    person = Person.draw(rng)
    now = idle_pose(person, kind, rng)
    moves = idle(person, kind, now, seconds, rng)
    assert sum(move.seconds for move in moves) >= seconds
    poses = track(now, moves).at(np.arange(0, seconds, 0.02))
    return person, place(person.hand.points(poses[:, 6:]), poses[:, :6])


@pytest.mark.parametrize("kind", IDLE_KINDS)
def test_hands_idle_as_long_as_asked_without_jumps(kind: IdleKind) -> None:
    for seed in range(10):
        _, hand = filmed(kind, seed)
        assert np.linalg.norm(np.diff(hand[:, 0], axis=0), axis=-1).max() / 0.02 < 3.5


def test_a_hand_at_rest_is_stiller_than_one_that_moves_about() -> None:
    way = {
        kind: np.median(
            [np.linalg.norm(np.diff(filmed(kind, seed)[1][:, 0], axis=0), axis=1).sum() for seed in range(9)]
        )
        for kind in IDLE_KINDS
    }
    assert way["resting"] < way["wandering"]
    assert way["hanging"] < way["leaving"]


def test_fidgeting_moves_the_fingers() -> None:
    bends = []
    for seed in range(9):
        _, hand = filmed("fidgeting", seed)
        tip = hand[50:] - hand[50:, :1]
        bends.append(np.ptp(np.linalg.norm(tip[:, 8], axis=-1)))
    assert np.median(bends) > 0.005


def test_an_absent_hand_is_outside_of_the_picture_and_a_leaving_one_for_a_while() -> None:
    away: dict[IdleKind, list[float]] = {"absent": [], "leaving": [], "wandering": []}
    for kind, share in away.items():
        for seed in range(30):
            person, hand = filmed(kind, seed)
            x, y = person.camera.project(hand)[:, 0, :2].T
            share.append(float(((x < 0) | (y > 1)).mean()))
    assert np.mean(away["absent"]) > 0.98
    assert 0.15 < np.mean(away["leaving"]) < 0.7
    assert np.mean(away["wandering"]) < 0.1


def test_all_kinds_are_drawn_and_busy_people_rest_the_other_hand(rng: np.random.Generator) -> None:
    kinds = [draw_kind(rng) for _ in range(500)]
    assert set(kinds) == set(IDLE_KINDS)
    busy = [draw_kind(rng, busy=True) for _ in range(500)]
    assert np.mean([kind in ("hanging", "resting") for kind in busy]) > 0.6
