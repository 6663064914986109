"""How much may come from one client."""

import time
from dataclasses import dataclass


@dataclass(eq=False)
class Allowance:
    """How much may come: so many a second, and in one go what a second allows."""

    credit: float = 0.0
    refilled_s: float = -1e9

    def take(self, most: float) -> bool:
        """Take one, if there is one left of `most` a second."""
        now_s = time.monotonic()
        self.credit = min(max(most, 1.0), self.credit + (now_s - self.refilled_s) * most)
        self.refilled_s = now_s
        if self.credit < 1:
            return False
        self.credit -= 1
        return True
