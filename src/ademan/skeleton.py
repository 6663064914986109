"""Skeletons: which points there are, how they are joined, and which is the mirror image of which.

The orders of points are those of the programs that make them: MediaPipe (hands, pose), COCO, JHMDB, Kinect v1.
`tests/test_skeleton.py` proves that each mirror is an involution that swaps left and right.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ademan.errors import SkeletonError


@dataclass(frozen=True)
class Part:
    """A rigid enough group of points with a place and a size of its own: a hand, or a body.

    Args:
        name: such as "left_hand".
        points: indices of its points.
        origin: its place is the mean of these points.
        size_from: its size is the distance between the mean of these points ...
        size_to: ... and the mean of these.
    """

    name: str
    points: tuple[int, ...]
    origin: tuple[int, ...]
    size_from: tuple[int, ...]
    size_to: tuple[int, ...]


@dataclass(frozen=True)
class Skeleton:
    """Named points, the limbs that join them, and the permutation that mirrors left and right.

    Args:
        name: unique.
        points: names, in the order in which clips keep them.
        limbs: pairs of indices, to draw.
        mirror: `points[mirror[i]]` is the mirror image of `points[i]`.
        parts: groups with an origin and a size, which normalisations use; each point is in at most one.

    Raises:
        SkeletonError: names repeat, an index is out of range, or mirroring twice is not where one began.
    """

    name: str
    points: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    mirror: tuple[int, ...]
    parts: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        P = len(self.points)
        if P == 0 or len(set(self.points)) != P:
            raise SkeletonError(f"skeleton '{self.name}' needs one or more points, each with a name of its own.")
        used = [*self.mirror, *(i for limb in self.limbs for i in limb)]
        for part in self.parts:
            used += [*part.points, *part.origin, *part.size_from, *part.size_to]
            if not (part.points and part.origin and part.size_from and part.size_to):
                raise SkeletonError(f"part '{part.name}' of skeleton '{self.name}' has an empty list of points.")
        wrong = sorted({i for i in used if not 0 <= i < P})
        if wrong:
            raise SkeletonError(f"skeleton '{self.name}' has {P} points, 0 to {P - 1}; found the indices {wrong}.")
        if len(self.mirror) != P or any(self.mirror[self.mirror[i]] != i for i in range(P)):
            raise SkeletonError(
                f"skeleton '{self.name}': mirroring twice must lead back to each of the {P} points; it does not."
            )
        owned = [i for part in self.parts for i in part.points]
        if len(owned) != len(set(owned)):
            raise SkeletonError(f"skeleton '{self.name}': a point belongs to two parts.")

    @property
    def loose(self) -> tuple[int, ...]:
        """Indices of the points of no part."""
        owned = {i for part in self.parts for i in part.points}
        return tuple(i for i in range(len(self)) if i not in owned)

    def __len__(self) -> int:
        return len(self.points)

    def index(self, point: str) -> int:
        """Return the index of a named point.

        Raises:
            SkeletonError: there is no such point.
        """
        try:
            return self.points.index(point)
        except ValueError:
            raise SkeletonError(
                f"skeleton '{self.name}' has no point '{point}'. It has: {', '.join(self.points)}."
            ) from None

    def to_json(self) -> dict[str, Any]:
        """Return the plain definition that `from_json` reads; mirror pairs and parts by name."""
        names = self.points
        return {
            "name": self.name,
            "points": list(names),
            "limbs": [[names[a], names[b]] for a, b in self.limbs],
            "mirror": [[names[i], names[j]] for i, j in enumerate(self.mirror) if i < j],
            "parts": [
                {
                    "name": part.name,
                    "points": [names[i] for i in part.points],
                    "origin": [names[i] for i in part.origin],
                    "size_from": [names[i] for i in part.size_from],
                    "size_to": [names[i] for i in part.size_to],
                }
                for part in self.parts
            ],
        }

    @classmethod
    def from_json(cls, definition: Mapping[str, Any]) -> Self:
        """Build a skeleton from its plain definition: all points are given by name.

        Raises:
            SkeletonError: a field is missing or of another type, or names an unknown point.
        """
        try:
            names = [str(name) for name in definition["points"]]
            index = {name: i for i, name in enumerate(names)}

            def indices(which: Sequence[str]) -> tuple[int, ...]:
                return tuple(index[name] for name in which)

            mirror = list(range(len(names)))
            for a, b in definition.get("mirror", ()):
                mirror[index[a]], mirror[index[b]] = index[b], index[a]
            parts = tuple(
                Part(
                    str(part["name"]),
                    indices(part["points"]),
                    indices(part["origin"]),
                    indices(part["size_from"]),
                    indices(part["size_to"]),
                )
                for part in definition.get("parts", ())
            )
            limbs = tuple((index[a], index[b]) for a, b in definition.get("limbs", ()))
            return cls(str(definition["name"]), tuple(names), limbs, tuple(mirror), parts)
        except (KeyError, TypeError, ValueError) as error:
            raise SkeletonError(
                f"skeleton definition: {type(error).__name__}: {error}. Expected an object with 'name', 'points', and, "
                "if wanted, 'limbs' and 'mirror' (pairs of point names) and 'parts'."
            ) from error


def skeleton(name: str | Path) -> Skeleton:
    """Return a built-in skeleton by name, or the one defined in a JSON file.

    Raises:
        SkeletonError: neither a known name nor a readable definition.
    """
    if str(name) in BUILT_IN:
        return BUILT_IN[str(name)]
    path = Path(name)
    if path.suffix != ".json":
        raise SkeletonError(
            f"no skeleton '{name}'. Built in: {', '.join(sorted(BUILT_IN))}; any other as the path of a .json file."
        )
    try:
        definition = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SkeletonError(f"skeleton file {path}: {error}") from error
    if not isinstance(definition, dict):
        raise SkeletonError(f"skeleton file {path}: expected one JSON object, found a {type(definition).__name__}.")
    return Skeleton.from_json(definition)


def picture_rows(height: int) -> Skeleton:
    """Return what names the rows of a picture as if they were points, so that pictures are clips like all others."""
    names = tuple(f"row_{row}" for row in range(height))
    return Skeleton(f"rows{height}", names, limbs=(), mirror=tuple(range(height)))


def _sided(names: Sequence[str]) -> tuple[int, ...]:
    """Return the mirror permutation of points named left... and right..., others being their own image."""
    swap = {"left": "right", "right": "left"}
    index = {name: i for i, name in enumerate(names)}
    mirrored = ("_".join(swap.get(word, word) for word in name.split("_")) for name in names)
    return tuple(index[name] for name in mirrored)


def _body(points: Sequence[int], names: Sequence[str]) -> Part:
    hips = tuple(names.index(f"{side}_hip") for side in ("left", "right"))
    shoulders = tuple(names.index(f"{side}_shoulder") for side in ("left", "right"))
    return Part("body", tuple(points), origin=hips, size_from=hips, size_to=shoulders)


def _hand_part(name: str, first: int) -> Part:
    wrist, middle_mcp = (first,), (first + HAND_POINTS.index("middle_mcp"),)
    return Part(name, tuple(range(first, first + 21)), origin=wrist, size_from=wrist, size_to=middle_mcp)


def _hand_limbs(first: int) -> tuple[tuple[int, int], ...]:
    return tuple((first + a, first + b) for a, b in HAND_LIMBS)


def _by_name(names: Sequence[str], limbs: str) -> tuple[tuple[int, int], ...]:
    pairs = (pair.split("-") for pair in limbs.split())
    return tuple((names.index(a), names.index(b)) for a, b in pairs)


# MediaPipe hand landmark model: wrist, then four joints a finger from the palm to the tip.
HAND_POINTS = ("wrist",) + tuple(
    f"{finger}_{joint}"
    for finger, joints in {
        "thumb": ("cmc", "mcp", "ip", "tip"),
        **dict.fromkeys(("index", "middle", "ring", "pinky"), ("mcp", "pip", "dip", "tip")),
    }.items()
    for joint in joints
)
HAND_LIMBS = _by_name(
    HAND_POINTS,
    "wrist-thumb_cmc thumb_cmc-thumb_mcp thumb_mcp-thumb_ip thumb_ip-thumb_tip "
    "wrist-index_mcp index_mcp-index_pip index_pip-index_dip index_dip-index_tip "
    "index_mcp-middle_mcp middle_mcp-middle_pip middle_pip-middle_dip middle_dip-middle_tip "
    "middle_mcp-ring_mcp ring_mcp-ring_pip ring_pip-ring_dip ring_dip-ring_tip "
    "ring_mcp-pinky_mcp wrist-pinky_mcp pinky_mcp-pinky_pip pinky_pip-pinky_dip pinky_dip-pinky_tip",
)

_HANDS = tuple(f"{side}_{point}" for side in ("left", "right") for point in HAND_POINTS)

# MediaPipe pose landmark model (BlazePose topology).
_POSE33 = (
    "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer left_ear right_ear "
    "left_mouth right_mouth left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist "
    "left_pinky right_pinky left_index right_index left_thumb right_thumb left_hip right_hip left_knee right_knee "
    "left_ankle right_ankle left_heel right_heel left_foot_index right_foot_index"
).split()
_POSE33_LIMBS = _by_name(
    _POSE33,
    "left_shoulder-right_shoulder left_hip-right_hip left_mouth-right_mouth "
    + " ".join(
        f"{s}_shoulder-{s}_elbow {s}_elbow-{s}_wrist {s}_wrist-{s}_pinky {s}_wrist-{s}_index {s}_wrist-{s}_thumb "
        f"{s}_pinky-{s}_index {s}_shoulder-{s}_hip {s}_hip-{s}_knee {s}_knee-{s}_ankle {s}_ankle-{s}_heel "
        f"{s}_heel-{s}_foot_index {s}_ankle-{s}_foot_index nose-{s}_eye_inner {s}_eye_inner-{s}_eye "
        f"{s}_eye-{s}_eye_outer {s}_eye_outer-{s}_ear"
        for s in ("left", "right")
    ),
)

# Seventeen COCO keypoints, the order of PYSKL's 2D pickles.
_COCO17 = (
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow "
    "left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle"
).split()
_ARMS_LEGS = " ".join(
    f"{s}_shoulder-{s}_elbow {s}_elbow-{s}_wrist {s}_hip-{s}_knee {s}_knee-{s}_ankle" for s in ("left", "right")
)

# The fifteen joints that JHMDB was annotated with.
_JHMDB15 = (
    "neck belly face right_shoulder left_shoulder right_hip left_hip right_elbow left_elbow "
    "right_knee left_knee right_wrist left_wrist right_ankle left_ankle"
).split()

# Kinect v1 (SDK 1.x) joint order, as in UTD-MHAD.
_KINECT20 = (
    "head neck spine hip_center left_shoulder left_elbow left_wrist left_hand "
    "right_shoulder right_elbow right_wrist right_hand left_hip left_knee left_ankle left_foot "
    "right_hip right_knee right_ankle right_foot"
).split()

_CHANNELS = tuple(
    "left_vit right_vit left_resnext_1 left_resnext_2 left_resnext_3 right_resnext_1 right_resnext_2 right_resnext_3 "
    "whole_vit whole_resnext_1 whole_resnext_2 whole_resnext_3".split()
)
EMBEDDING = Skeleton("embedding12", _CHANNELS, (), _sided(_CHANNELS))
"""No points, but channels of 768 numbers: of each half of a picture (or each hand) and of the whole picture, the vector
of a vision transformer, and the 2048 numbers of a ResNeXt50 in three pieces."""


def _built_in() -> dict[str, Skeleton]:
    def body(name: str, names: list[str], limbs: str) -> Skeleton:
        parts = (_body(range(len(names)), names),)
        return Skeleton(name, tuple(names), _by_name(names, limbs), _sided(names), parts)

    hands = Skeleton(
        "hands",
        _HANDS,
        _hand_limbs(0) + _hand_limbs(21),
        _sided(_HANDS),
        (_hand_part("left_hand", 0), _hand_part("right_hand", 21)),
    )
    hand = Skeleton("hand", HAND_POINTS, HAND_LIMBS, tuple(range(21)), (_hand_part("hand", 0),))
    pose = Skeleton("pose33", tuple(_POSE33), _POSE33_LIMBS, _sided(_POSE33), (_body(range(33), _POSE33),))
    # The pose has a point left_wrist of its own: the points of the hands are told apart by a prefix.
    holistic_names = (*_POSE33, *(f"{name.split('_')[0]}_hand_{name.split('_', 1)[1]}" for name in _HANDS))
    holistic = Skeleton(
        "holistic75",
        holistic_names,
        _POSE33_LIMBS + _hand_limbs(33) + _hand_limbs(54),
        _sided(holistic_names),
        (_body(range(33), _POSE33), _hand_part("left_hand", 33), _hand_part("right_hand", 54)),
    )
    torso = "left_shoulder-right_shoulder left_hip-right_hip left_shoulder-left_hip right_shoulder-right_hip "
    coco = body(
        "coco17",
        _COCO17,
        torso + "nose-left_eye nose-right_eye left_eye-left_ear right_eye-right_ear " + _ARMS_LEGS,
    )
    jhmdb = body(
        "jhmdb15",
        _JHMDB15,
        "face-neck neck-belly neck-left_shoulder neck-right_shoulder belly-left_hip belly-right_hip " + _ARMS_LEGS,
    )
    kinect = body(
        "kinect20",
        _KINECT20,
        "head-neck neck-spine spine-hip_center neck-left_shoulder neck-right_shoulder hip_center-left_hip "
        "hip_center-right_hip left_wrist-left_hand right_wrist-right_hand left_ankle-left_foot "
        "right_ankle-right_foot " + _ARMS_LEGS,
    )
    point = Skeleton("point", ("point",), (), (0,))  # one point that is followed, such as a fingertip
    return {s.name: s for s in (point, hands, hand, pose, holistic, coco, jhmdb, kinect, EMBEDDING)}


BUILT_IN = _built_in()
