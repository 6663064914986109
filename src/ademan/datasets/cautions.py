"""Cautions: what in a dataset would spoil a training or flatter a test, in words."""

from collections.abc import Iterator

import numpy as np

from ademan.datasets.file import Dataset
from ademan.datasets.findings import Audit, Duplicates, Some
from ademan.datasets.table import ClipTable

FEW_CLIPS = 5
"""Fewer clips of a class cannot be divided into training, validation and test."""

IMBALANCE = 5.0
"""A class with this many times the clips of another is guessed when in doubt."""

IDLE_NAMES = frozenset(
    "idle none nothing background other rest neutral unknown negative still no_gesture no_action not_a_gesture".split()
)
"""How sets call the class of everything that is no gesture."""

_WAYS_APART = {
    "label": "have different labels: one of each pair is wrong",
    "subject": "are said to show different subjects",
    "session": "are said to be of different sessions",
    "random split": "may come to lie on both sides of a random split",
}


def caution(found: Audit, dataset: Dataset) -> Iterator[str]:
    """Yield a sentence or two for each thing to beware of.

    Args:
        found: all but the warnings.
        dataset: that it was found in; its points are not read.
    """
    yield from _about_labels(found)
    yield from _about_idling(found, dataset)
    yield from _about_groups(found, dataset.table)
    yield from _about_rates(found)
    yield from _about_points(found, dataset)
    yield from _about_splits(found)
    yield from _about_duplicates(found.duplicates)


def _about_labels(found: Audit) -> Iterator[str]:
    present = _present(found)
    if found.unlabelled:
        yield f"{found.unlabelled} of {found.clips} clips have no label and are left out of training and tests."
    if len(present) < 2:
        yield f"there are clips of {len(present)} classes; a training needs two or more."
    few = [f"{label} ({count})" for label, count in found.labels.items() if count < FEW_CLIPS]
    if few:
        yield f"fewer than {FEW_CLIPS} clips: {_listed(few)}. Record more of them, or leave them out."
    if present and max(present.values()) >= IMBALANCE * min(present.values()):
        most, least = max(present, key=present.__getitem__), min(present, key=present.__getitem__)
        yield (
            f"imbalanced: '{most}' has {present[most]} clips, '{least}' {present[least]}. "
            "Look at the accuracy of each class rather than of all clips."
        )


def _about_idling(found: Audit, dataset: Dataset) -> Iterator[str]:
    gestures = any("hand" in part.name for part in dataset.skeleton.parts)
    present = _present(found)
    if gestures and present and not any(_is_idle(label) for label in present):
        yield (
            "no class for hands that make no gesture (such as 'idle'): a live recogniser will take everything for a "
            "gesture. Record clips of resting, scratching, reaching for things, and label them idle; until you "
            "have some, train with --background made-up."
        )


def _present(found: Audit) -> dict[str, int]:
    return {label: count for label, count in found.labels.items() if count}


def _is_idle(label: str) -> bool:
    return label.lower().strip("_ ").replace(" ", "_").replace("-", "_") in IDLE_NAMES


def _about_groups(found: Audit, table: ClipTable) -> Iterator[str]:
    if not found.subjects:
        yield "no clip says who is seen: how the gestures of a new person are recognised cannot be tested."
    elif len(found.subjects) == 1:
        yield "all clips are of one subject: how the gestures of another person are recognised cannot be tested."
    else:
        yield from _about_confounding(found, table)
    unknown = int((table.subjects == "").sum())
    if found.subjects and unknown:
        yield f"{unknown} of {found.clips} clips do not say who is seen."


def _about_confounding(found: Audit, table: ClipTable) -> Iterator[str]:
    alone = [label for label, subjects in found.label_by_subject.items() if len(subjects) == 1]
    if alone:
        yield f"only one subject shows: {_listed(alone)}. The model may learn the person in place of the gesture."
    if len(found.sessions) > 1 and all(
        len(np.unique(table.labels[table.sessions == session])) == 1 for session in found.sessions
    ):
        yield "each session has one class only: the model may learn the session in place of the gesture."


def _about_rates(found: Audit) -> Iterator[str]:
    if found.fps and found.other_fps.count:
        yield (
            f"mixed frame rates, {found.fps.minimum:.3g} to {found.fps.maximum:.3g} a second: those of "
            f"{_clips(found.other_fps)} are far from the median of {found.fps.median:.3g}. "
            "Use a window with the fit 'rate' or 'spread'."
        )


def _about_points(found: Audit, dataset: Dataset) -> Iterator[str]:
    if found.missing.mostly.count:
        yield f"more than half of the points are missing in {_clips(found.missing.mostly)}."
    if found.outside_share > 0.5:
        unit = "metres" if dataset.coordinates == "metres" else "heights of the picture"
        yield f"most values are too large for {unit}; are they pixels or millimetres? Convert them when importing."
    elif found.outside.count:
        yield f"points lie far outside of what can be seen in {_clips(found.outside)}: failed landmarks?"
    stuck = [label for label, count in found.still_by_label.items() if 0 < count < 0.5 * found.labels[label]]
    if stuck:
        yield f"nothing moves in some clips of {_listed(stuck)}, while it does in most others: failed, or held still?"


def _about_splits(found: Audit) -> Iterator[str]:
    for name, split in found.splits.items():
        kind = "subject" if "subject" in split.shared else "session"
        if split.shared.get(kind):
            yield f"official split '{name}' trains and tests with the same {kind}: {_listed(list(split.shared[kind]))}."
        if split.untrained:
            yield f"official split '{name}' tests classes that it never trains: {_listed(list(split.untrained))}."


def _about_duplicates(duplicates: Duplicates) -> Iterator[str]:
    for reason, count in duplicates.by_apart.items():
        way = _WAYS_APART.get(reason, f"lie on both sides of the official {reason}")
        example = next((pair.ids for pair in duplicates.pairs if reason in pair.apart), None)
        named = f" ('{example[0]}' and '{example[1]}', say)" if example else ""
        more = " or more" if duplicates.unchecked else ""
        yield f"pairs of clips that are almost the same recording and {way}: {count}{more}{named}."


def _clips(some: Some) -> str:
    return f"{some.count} clips ({_listed(list(some.ids))})" if some.count > 1 else f"clip '{some.ids[0]}'"


def _listed(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
