"""The table of a dataset: one row a clip, without its points."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ademan.errors import DatasetError

Ints = NDArray[np.int64]
Strings = NDArray[np.str_]
GroupKind = Literal["subject", "session", "source"]

MAX_TEXT = 1_000
"""Characters of an id, label, subject, session or source: in an array each takes as much room as the longest."""

NO_LABEL = -1
"""Label index of a clip whose gesture is not known."""


@dataclass(frozen=True, eq=False)
class ClipTable:
    """Who, what, when and how long, for each of N clips; an unknown text is empty, an unknown size 0.

    Args:
        ids: (N,) unique names.
        labels: (N,) index into the dataset's labels, or NO_LABEL.
        subjects: (N,) who is seen.
        sessions: (N,) what was recorded in one go.
        sources: (N,) the file that the clip came from.
        image_wh: (N, 2) width and height of the pictures in pixels.
        offsets: (N + 1,) where each clip begins among all frames, and where the last one ends.
    """

    ids: Strings
    labels: Ints
    subjects: Strings
    sessions: Strings
    sources: Strings
    image_wh: Ints
    offsets: Ints

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> Ints:
        """(N,) frames of each clip."""
        return np.diff(self.offsets)

    def groups(self, kind: GroupKind) -> Strings:
        """(N,) the group of each clip.

        Raises:
            DatasetError: no clip says it.
        """
        column = self._column(kind)
        if not self.knows(kind):
            known = [k for k in ("subject", "session", "source") if self.knows(k)]
            raise DatasetError(
                f"no clip says its {kind}. Known here: {', '.join(known) or 'neither subject, session nor source'}."
            )
        return column

    def knows(self, kind: GroupKind) -> bool:
        """Return whether the clips of this dataset say their subject (session, source)."""
        return bool((self._column(kind) != "").any())

    def _column(self, kind: GroupKind) -> Strings:
        columns = {"subject": self.subjects, "session": self.sessions, "source": self.sources}
        if kind not in columns:
            raise DatasetError(f"clips are grouped by subject, session or source, not by '{kind}'.")
        return columns[kind]


def in_several(parts: Iterable[Iterable[int]]) -> list[int]:
    """Return the clips that are in more than one of the parts of a split, rising."""
    counts = Counter(i for part in parts for i in set(part))
    return sorted(i for i, count in counts.items() if count > 1)
