"""What an audit finds in a dataset: counts, shares, lists of clips and pairs; plain values throughout."""

from dataclasses import asdict, dataclass
from typing import Any

MAX_LISTED = 100
"""Clips and pairs that are named in a list; all are counted."""


@dataclass(frozen=True)
class Distribution:
    """How a quantity spreads over clips; `counts[k]` of them lie between `edges[k]` and `edges[k + 1]`."""

    minimum: float
    median: float
    maximum: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Some:
    """Some of the clips: how many, and the ids of the first MAX_LISTED."""

    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Missing:
    """What was not seen. A hand that never appears in a clip is not used there, rather than missing.

    Args:
        share: of all points of all frames.
        by_part: the same for each part, such as a hand; points outside all parts are "other points".
        unused_by_part: share of the clips in which a part is never seen.
        by_label: share of the points of the parts that are used in a clip.
        mostly: clips that lack more than half of the points of the parts that they use.
        longest_gap_ms: the longest time between two sightings of a part; 0 where no frame was missed.
        gaps: clips with a gap above MAX_GAP_MS, which stays missing when the clip is resampled.
    """

    share: float
    by_part: dict[str, float]
    unused_by_part: dict[str, float]
    by_label: dict[str, float]
    mostly: Some
    longest_gap_ms: float
    gaps: Some


@dataclass(frozen=True)
class OfficialSplit:
    """A split that came with the data.

    Args:
        clips: of each part.
        shared: for subject and session, if known: those that are both tested and trained (or validated) with.
        untrained: labels that only the test has.
    """

    clips: dict[str, int]
    shared: dict[str, tuple[str, ...]]
    untrained: tuple[str, ...]


@dataclass(frozen=True)
class Duplicate:
    """Two clips that are almost the same recording.

    Args:
        ids: of the two.
        labels: of the two; None where unknown.
        apart: in what they differ: "label", "subject", "session", "split NAME" (its parts), or "random split" where
            neither subjects nor sessions are known, so that nothing keeps them on one side.
        difference: of their points, as a share of their size; None if they are hardly seen at the same times.
        shared_frames: share of the shorter clip's frames that are in both, bit for bit.
    """

    ids: tuple[str, str]
    labels: tuple[str | None, str | None]
    apart: tuple[str, ...]
    difference: float | None
    shared_frames: float


@dataclass(frozen=True)
class Duplicates:
    """Near-duplicates that are apart, the most alike first.

    Args:
        count: of all that were found.
        by_apart: of those, in what they are apart.
        pairs: the first MAX_LISTED.
        unchecked: pairs that may be alike and were not compared, beyond MAX_CHECKED.
    """

    count: int
    by_apart: dict[str, int]
    pairs: tuple[Duplicate, ...]
    unchecked: int


@dataclass(frozen=True)
class Audit:
    """What is in a dataset; see the classes above.

    Args:
        clips: number of them, without copies.
        unlabelled: those without a label.
        labels: clips of each, in the order of the dataset.
        subjects: clips of each; empty if none is known.
        sessions: the same.
        label_by_subject: clips by label, then subject; those without either are left out.
        length_frames: of the clips.
        duration_ms: of the clips, from the first frame to the last.
        fps: frames per second of the clips; None if all are single frames.
        other_fps: clips whose rate differs by more than OTHER_RATE from the median.
        image_sizes: clips of each, such as "640x480".
        missing: what was not seen.
        outside: clips with a value far out of the range that their coordinates are expected in.
        outside_share: of all points that were seen.
        still: clips in which nothing moves.
        still_by_label: the number of them.
        splits: the official ones.
        duplicates: near-duplicates that differ in label or group, or are on both sides of an official split.
        warnings: what would spoil a training or a test, in words.
        copies: clips that augmentation made of others; nothing else here counts them.
    """

    path: str
    clips: int
    unlabelled: int
    labels: dict[str, int]
    subjects: dict[str, int]
    sessions: dict[str, int]
    label_by_subject: dict[str, dict[str, int]]
    length_frames: Distribution
    duration_ms: Distribution
    fps: Distribution | None
    other_fps: Some
    image_sizes: dict[str, int]
    missing: Missing
    outside: Some
    outside_share: float
    still: Some
    still_by_label: dict[str, int]
    splits: dict[str, OfficialSplit]
    duplicates: Duplicates
    warnings: tuple[str, ...] = ()
    copies: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values without NaN, for `write_json`."""
        return asdict(self)
