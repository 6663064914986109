import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.errors import SkeletonError
from ademan.skeleton import BUILT_IN, HAND_POINTS, Part, Skeleton, skeleton

EACH = pytest.mark.parametrize("name", sorted(BUILT_IN))


@EACH
def test_mirroring_points_twice_leads_back(name: str) -> None:
    mirror = skeleton(name).mirror
    assert [mirror[mirror[i]] for i in range(len(mirror))] == list(range(len(mirror)))


@EACH
def test_the_mirror_swaps_left_and_right_and_nothing_else(name: str) -> None:
    swap = {"left": "right", "right": "left"}
    points = skeleton(name).points
    for i, j in enumerate(skeleton(name).mirror):
        assert points[j] == "_".join(swap.get(word, word) for word in points[i].split("_"))


@EACH
def test_a_mirrored_limb_is_a_limb(name: str) -> None:
    known = skeleton(name)
    limbs = {frozenset(limb) for limb in known.limbs}
    assert len(limbs) == len(known.limbs)
    assert {frozenset((known.mirror[a], known.mirror[b])) for a, b in limbs} == limbs


@EACH
def test_a_mirrored_part_is_a_part_with_the_same_origin_and_size(name: str) -> None:
    known = skeleton(name)

    def image(points: tuple[int, ...]) -> frozenset[int]:
        return frozenset(known.mirror[i] for i in points)

    def whole(part: Part) -> tuple[frozenset[int], ...]:
        return tuple(map(frozenset, (part.points, part.origin, part.size_from, part.size_to)))

    mirrored = {tuple(image(points) for points in (p.points, p.origin, p.size_from, p.size_to)) for p in known.parts}
    assert mirrored == {whole(part) for part in known.parts}


@EACH
def test_a_built_in_skeleton_comes_back_from_its_plain_definition(name: str) -> None:
    known = skeleton(name)
    assert Skeleton.from_json(json.loads(json.dumps(known.to_json()))) == known


@EACH
def test_each_point_of_a_part_lies_in_it(name: str) -> None:
    for part in skeleton(name).parts:
        assert set(part.origin) | set(part.size_from) | set(part.size_to) <= set(part.points)


def test_built_in_skeletons_have_the_points_of_the_programs_that_make_them() -> None:
    counts = {
        "point": 1,
        "hands": 42,
        "hand": 21,
        "pose33": 33,
        "holistic75": 75,
        "coco17": 17,
        "jhmdb15": 15,
        "kinect20": 20,
        "embedding12": 12,
    }
    assert {name: len(known) for name, known in BUILT_IN.items()} == counts
    assert [HAND_POINTS[i] for i in (0, 4, 8, 12, 16, 20)] == ["wrist"] + [
        f"{finger}_tip" for finger in ("thumb", "index", "middle", "ring", "pinky")
    ]
    assert skeleton("hands").index("right_wrist") == 21
    assert skeleton("pose33").index("left_hip") == 23
    assert skeleton("holistic75").index("right_hand_index_tip") == 33 + 21 + 8


NAMES = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=12, unique=True)


@st.composite
def skeletons(draw: st.DrawFn) -> Skeleton:
    names = draw(NAMES)
    order = draw(st.permutations(range(len(names))))
    mirror = list(range(len(names)))
    for a, b in list(zip(order[::2], order[1::2], strict=False))[: draw(st.integers(0, len(names)))]:
        mirror[a], mirror[b] = b, a
    some = st.lists(st.sampled_from(range(len(names))), min_size=1, max_size=4).map(tuple)
    limbs = draw(st.lists(st.tuples(st.sampled_from(range(len(names))), st.sampled_from(range(len(names))))))
    parts = (Part("part", (0,), draw(some), draw(some), draw(some)),) if draw(st.booleans()) else ()
    return Skeleton(draw(st.text()), tuple(names), tuple(limbs), tuple(mirror), parts)


@given(skeletons())
def test_any_skeleton_comes_back_from_its_plain_definition(made: Skeleton) -> None:
    assert Skeleton.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_a_file_defines_a_skeleton(tmp_path: Path) -> None:
    path = tmp_path / "tail.json"
    path.write_text(json.dumps({"name": "tail", "points": ["root", "tip"], "limbs": [["root", "tip"]]}))
    assert skeleton(path) == Skeleton("tail", ("root", "tip"), ((0, 1),), (0, 1))
    assert skeleton(str(path)) == skeleton(path)


def test_an_unknown_name_lists_those_that_are_built_in() -> None:
    with pytest.raises(SkeletonError, match=r"no skeleton 'hends'. Built in: coco17, embedding12, hand.*a .json file"):
        skeleton("hends")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SkeletonError, match=r"skeleton file .*missing.json: .*No such file"):
        skeleton(tmp_path / "missing.json")
    (tmp_path / "half.json").write_text('{"name": ')
    with pytest.raises(SkeletonError, match=r"skeleton file .*half.json: "):
        skeleton(tmp_path / "half.json")
    (tmp_path / "latin.json").write_bytes(b'{"name": "\xe9"}')
    with pytest.raises(SkeletonError, match=r"skeleton file .*latin.json: "):
        skeleton(tmp_path / "latin.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(SkeletonError, match="expected one JSON object, found a list"):
        skeleton(tmp_path / "list.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": None}, "TypeError"),
        ({"points": ["a", "b", 3], "limbs": [["a", "z"]]}, "KeyError: 'z'"),
        ({"limbs": [["a", "b", "a"]]}, "ValueError: too many values"),
        ({"mirror": [["a"]]}, "ValueError: not enough values"),
        ({"parts": [{"name": "p", "points": ["a"]}]}, "KeyError: 'origin'"),
        ({"parts": [3]}, "TypeError"),
        ({"limbs": [[["a"], "b"]]}, "TypeError: .*unhashable"),
    ],
)
def test_a_definition_with_a_wrong_field_says_which(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SkeletonError, match=f"skeleton definition: {message}(.|\n)*Expected an object with 'name'"):
        Skeleton.from_json({"name": "x", "points": ["a", "b"]} | change)


def test_a_definition_without_a_name_or_points_is_refused() -> None:
    for lacking in ("name", "points"):
        definition = {"name": "x", "points": ["a"]}
        del definition[lacking]
        with pytest.raises(SkeletonError, match=f"KeyError: '{lacking}'"):
            Skeleton.from_json(definition)


@pytest.mark.parametrize("points", [(), ("a", "a")])
def test_points_need_names_of_their_own(points: tuple[str, ...]) -> None:
    with pytest.raises(SkeletonError, match="'x' needs one or more points, each with a name of its own"):
        Skeleton("x", points, (), tuple(range(len(points))))


def test_indices_out_of_range_are_listed() -> None:
    with pytest.raises(SkeletonError, match=r"'x' has 2 points, 0 to 1; found the indices \[-1, 7\]"):
        Skeleton("x", ("a", "b"), ((0, 7),), (0, -1))


@pytest.mark.parametrize("mirror", [(0,), (1, 2, 0), (1, 1, 2)])
def test_a_mirror_that_does_not_lead_back_is_refused(mirror: tuple[int, ...]) -> None:
    with pytest.raises(SkeletonError, match="mirroring twice must lead back to each of the 3 points"):
        Skeleton("x", ("a", "b", "c"), (), mirror)


def test_a_mirror_pair_given_twice_is_refused() -> None:
    with pytest.raises(SkeletonError, match="mirroring twice must lead back"):
        Skeleton.from_json({"name": "x", "points": ["a", "b", "c"], "mirror": [["a", "b"], ["a", "c"]]})


def test_a_part_needs_all_its_lists() -> None:
    with pytest.raises(SkeletonError, match="part 'p' of skeleton 'x' has an empty list of points"):
        Skeleton("x", ("a", "b"), (), (0, 1), (Part("p", (0,), (0,), (), (1,)),))


def test_a_point_belongs_to_one_part_at_most() -> None:
    with pytest.raises(SkeletonError, match="'x': a point belongs to two parts"):
        Skeleton("x", ("a", "b"), (), (0, 1), (Part("p", (0,), (0,), (0,), (1,)), Part("q", (0,), (0,), (0,), (1,))))


def test_an_unknown_point_is_told_with_those_there_are() -> None:
    with pytest.raises(SkeletonError, match=r"skeleton 'hand' has no point 'elbow'. It has: wrist, thumb_cmc"):
        skeleton("hand").index("elbow")
