"""How many values make a frame: which skeleton they are of, and what one unit of them is."""

import re
from collections.abc import Sequence

from ademan.errors import ConfigError, SourceError
from ademan.skeleton import BUILT_IN, EMBEDDING, Skeleton, skeleton

_SIZE = re.compile(r"([1-9]\d{0,5})x([1-9]\d{0,5})")


def find_skeleton(name: str, layouts: Sequence[tuple[int, int]], found: str) -> tuple[Skeleton, int]:
    """Return the skeleton that the values of a frame are of, and how many coordinates a point has.

    Args:
        name: built in, or the path of a JSON file; empty for the built-in one that fits.
        layouts: what the frame can be: numbers of points, each with a number of coordinates.
        found: what has these values; begins the message.

    Raises:
        SourceError: no skeleton fits, or more than one does.
        SkeletonError: the name is unknown, or its file cannot be read.
    """
    candidates = [skeleton(name)] if name else [known for known in BUILT_IN.values() if known is not EMBEDDING]
    fits = [(s, C) for s in candidates for P, C in layouts if len(s) == P]
    if len(fits) == 1:
        return fits[0]
    if name:
        P = len(candidates[0])
        raise SourceError(
            f"{found}; skeleton '{candidates[0].name}' has {P} points, {2 * P} values in two dimensions and {3 * P} in "
            "three. Choose the skeleton that it is of, or none, to have it found."
        )
    sizes = ", ".join(f"{s.name} {len(s)}" for s in [s for s, _ in fits] or candidates)
    problem = "more than one skeleton fits" if fits else "no built-in skeleton fits"
    raise SourceError(
        f"{found}; {problem} ({sizes}). Name one, or describe yours in a JSON file:  --skeleton mine.json"
    )


def layouts_of(values: int) -> list[tuple[int, int]]:
    """Return the numbers of points and coordinates that a number of values can be."""
    return [(values // C, C) for C in (2, 3) if values and values % C == 0]


def parse_size(text: str) -> tuple[int, int] | None:
    """Return width and height of a text such as `640x480`; None of an empty one.

    Raises:
        ConfigError: it is none.
    """
    if not text:
        return None
    match = _SIZE.fullmatch(text)
    if not match:
        raise ConfigError(f"image size '{text}': expected width and height in pixels, such as 640x480.")
    return int(match[1]), int(match[2])
