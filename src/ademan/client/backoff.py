"""How long to wait before trying again."""

import numpy as np

FIRST_S, MOST_S = 0.5, 30.0


class Backoff:
    """Waits that double, and that differ, so that many clients do not all come back at once.

    Args:
        rng: draws; a wait is between half of its length and all of it.
    """

    def __init__(self, rng: np.random.Generator | None = None) -> None:
        self._rng = rng or np.random.default_rng()
        self._next_s = FIRST_S

    def next_s(self) -> float:
        """Return the seconds to wait now; the next time it is more."""
        wait_s, self._next_s = self._next_s, min(2 * self._next_s, MOST_S)
        return wait_s * float(self._rng.uniform(0.5, 1.0))

    def reset(self) -> None:
        """Begin with short waits again."""
        self._next_s = FIRST_S
