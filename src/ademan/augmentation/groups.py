"""Points that landmarkers lose together, and points whose errors have one size."""

from collections.abc import Collection

from ademan.skeleton import Part, Skeleton

Groups = tuple[tuple[int, ...], ...]


def sized_together(skeleton: Skeleton) -> Groups:
    """Return the points of each part, and all others as one more group: each point once."""
    return tuple(part.points for part in skeleton.parts) + ((skeleton.loose,) if skeleton.loose else ())


def lost_together(skeleton: Skeleton) -> Groups:
    """Return groups of points of which a landmarker sees all or none: hands, and the limbs of bodies.

    A body is a part whose place is between two points, its hips. It is never lost as a whole: what hangs together
    without hips and shoulders is an arm, a leg or a head. Points of no part are grouped by their limbs.
    """
    groups = [group for part in skeleton.parts for group in _of_part(part, skeleton)]
    return (*groups, *_joined(skeleton.loose, skeleton))


def is_hands(skeleton: Skeleton) -> bool:
    """Return whether all points are of hands: of parts that are no bodies."""
    return not skeleton.loose and not any(_is_body(part) for part in skeleton.parts)


def _is_body(part: Part) -> bool:
    return len(part.origin) > 1


def _of_part(part: Part, skeleton: Skeleton) -> Groups:
    if not _is_body(part):
        return (part.points,)
    torso = {*part.origin, *part.size_from, *part.size_to}
    return _joined([i for i in part.points if i not in torso], skeleton)


def _joined(points: Collection[int], skeleton: Skeleton) -> Groups:
    """Return the points in groups that limbs hold together."""
    group = {i: {i} for i in points}
    for a, b in skeleton.limbs:
        if a in group and b in group and group[a] is not group[b]:
            group[a] |= group[b]
            group.update(dict.fromkeys(group[b], group[a]))
    return tuple(sorted({tuple(sorted(members)) for members in group.values()}))
