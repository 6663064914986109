import pytest

from ademan.augmentation.groups import Groups, is_hands, lost_together, sized_together
from ademan.skeleton import BUILT_IN, Skeleton, skeleton


def named(groups: Groups, of: Skeleton) -> set[frozenset[str]]:
    return {frozenset(of.points[i] for i in group) for group in groups}


def test_a_hand_is_lost_as_a_whole() -> None:
    assert lost_together(skeleton("hands")) == (tuple(range(21)), tuple(range(21, 42)))


def test_a_body_loses_its_limbs_and_never_its_torso() -> None:
    body = skeleton("coco17")
    arms_legs = [frozenset({f"{s}_{a}", f"{s}_{b}"}) for s in ("left", "right") for a, b in (JOINTS[0], JOINTS[1])]
    head = frozenset({"nose", "left_eye", "right_eye", "left_ear", "right_ear"})
    assert named(lost_together(body), body) == {*arms_legs, head}


JOINTS = (("elbow", "wrist"), ("knee", "ankle"))


def test_a_body_with_hands_loses_either() -> None:
    groups = lost_together(skeleton("holistic75"))
    assert tuple(range(33, 54)) in groups
    assert any(skeleton("holistic75").index("left_elbow") in group and len(group) < 10 for group in groups)


def test_points_of_no_part_are_lost_with_those_that_limbs_join_them_to() -> None:
    chain = Skeleton("chain", tuple("abcde"), ((3, 1), (0, 3)), (0, 1, 2, 3, 4))
    assert named(lost_together(chain), chain) == {frozenset("abd"), frozenset("c"), frozenset("e")}


@pytest.mark.parametrize("name", BUILT_IN)
def test_no_point_is_in_two_groups_and_every_point_has_a_size(name: str) -> None:
    lost = [i for group in lost_together(skeleton(name)) for i in group]
    sized = [i for group in sized_together(skeleton(name)) for i in group]
    assert len(lost) == len(set(lost))
    assert sorted(sized) == list(range(len(skeleton(name))))


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_is_lost_together_has_one_size(name: str) -> None:
    sized = sized_together(skeleton(name))
    assert all(any(set(group) <= set(points) for points in sized) for group in lost_together(skeleton(name)))


@pytest.mark.parametrize(("name", "hands"), [("hands", True), ("holistic75", False), ("coco17", False)])
def test_hands_are_told_from_bodies(name: str, hands: bool) -> None:
    assert is_hands(skeleton(name)) is hands


def test_points_of_no_part_are_no_hands() -> None:
    assert not is_hands(Skeleton("chain", tuple("ab"), (), (0, 1)))
