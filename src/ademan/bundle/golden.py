"""Golden windows: made-up points that try a graph, and so carry nobody's recordings."""

from collections.abc import Sequence

import numpy as np

from ademan.clip import Points

_MANY = 1000  # numbers of a frame: of an embedding or a picture; a bundle should stay small
_SIZES = ((1, 1), (1, 17), (3, 40), (2, 90))
_SIZES_OF_MANY = ((1, 1), (1, 5), (2, 12))


def golden_windows(shape: tuple[int, int], rng: np.random.Generator, scale: float = 1.0) -> Sequence[Points]:
    """Return made-up windows (N, T, P, C) that try a graph: lengths, batch sizes, missing points, padding.

    Args:
        shape: P and C.
        rng: the same one gives the same windows.
        scale: largest value or so: 1 for places, 255 for pixels.
    """
    windows = []
    for N, T in _SIZES_OF_MANY if shape[0] * shape[1] > _MANY else _SIZES:
        walk = rng.normal(0, 0.02, (N, T, *shape)).cumsum(axis=1) + rng.uniform(0.2, 0.8, (N, 1, *shape))
        walk[rng.random((N, T, shape[0])) < 0.1] = np.nan  # a point missed here and there
        if T > 1:
            walk[0, T // 2 : T // 2 + 3] = np.nan  # a short while nothing
            walk[-1, T - T // 4 :] = np.nan  # padding
        windows.append((scale * walk).astype(np.float32))
    return windows
