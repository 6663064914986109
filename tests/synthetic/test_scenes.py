from dataclasses import replace

import numpy as np
import pytest

from ademan.errors import ConfigError
from ademan.synthetic import GESTURES, IDLE, LABELS, Person
from ademan.synthetic.hand import mirrored
from ademan.synthetic.scenes import Scene, check_labels, gesture_scenes, idle_scene, pose_hands, start_poses


@pytest.mark.parametrize("label", GESTURES)
def test_both_hands_are_busy_for_the_same_time(label: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(10):
        person = Person.draw(rng)
        now = start_poses(person, rng)
        for scene in [idle_scene(person, now, 1.0, rng), *gesture_scenes(label, person, now, rng)]:
            left, right = (sum(move.seconds for move in hand) for hand in (scene.left, scene.right))
            assert left == pytest.approx(right)
            assert scene.seconds == pytest.approx(right)


def test_the_way_to_a_gesture_is_idle() -> None:
    rng = np.random.default_rng(1)
    person = Person.draw(rng)
    way, gesture = gesture_scenes("wave", person, start_poses(person, rng), rng)
    assert (way.label, gesture.label) == (IDLE, "wave")


def test_scenes_end_where_the_next_ones_begin(rng: np.random.Generator) -> None:
    person = Person.draw(rng)
    start = start_poses(person, rng)
    scenes = gesture_scenes("spread", person, start, rng)
    now = start
    for scene in scenes:
        now = scene.end(now)
    scenes.append(idle_scene(person, now, 1.0, rng))
    hands = pose_hands(person, start, scenes, np.arange(0, sum(scene.seconds for scene in scenes), 0.005), rng)
    assert hands.shape[1:] == (2, 21, 3)
    assert np.linalg.norm(np.diff(hands[:, :, 0], axis=0), axis=-1).max() / 0.005 < 5


def test_the_left_hand_mirrors_the_right_one_in_two_handed_gestures(rng: np.random.Generator) -> None:
    person = Person.draw(rng)
    start = start_poses(person, rng)
    scenes = gesture_scenes("spread", person, start, rng)
    end = np.array([sum(scene.seconds for scene in scenes) - 0.4])
    left, right = pose_hands(person, start, scenes, end, rng)[0]
    assert left[0, 0] > 0 > right[0, 0]
    assert left[4, 0] - left[20, 0] < 0 < right[4, 0] - right[20, 0]


def test_left_and_right_hands_that_do_the_same_are_mirror_images(rng: np.random.Generator) -> None:
    person = replace(Person.draw(rng), trembling=0.0)
    pose = start_poses(person, rng)[0]
    for label, gesture in GESTURES.items():
        moves = tuple(gesture(person, "right", rng)[0])
        hands = pose_hands(person, (pose, pose), [Scene(label, moves, moves)], np.arange(0, 2, 0.04), rng)
        np.testing.assert_array_equal(hands[:, 0], mirrored(hands[:, 1]))


def test_most_gestures_are_made_by_the_better_hand_and_some_by_the_other(rng: np.random.Generator) -> None:
    person = Person.draw(rng)
    start = start_poses(person, rng)
    by_right = [len(gesture_scenes("circle", person, start, rng)[1].right) > 1 for _ in range(200)]
    assert 0.75 < np.mean(np.array(by_right) == person.right_handed) < 0.97


def test_unknown_gestures_are_refused_with_all_there_are() -> None:
    check_labels(LABELS)
    with pytest.raises(ConfigError, match=r"no made-up gesture 'salute'. There are: wave, .*idle"):
        check_labels(["wave", "salute"])
