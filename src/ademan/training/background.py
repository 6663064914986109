"""Background: clips that show none of the gestures, for a network that has to keep quiet most of the time.

    made-up     idle made-up hands (where hands are what is trained on), and clips of the training part cut through: the
                end of one gesture, a straight way, and the beginning of another
    FILE        clips of another dataset of the same points: gestures out of the set, or people who do nothing

They are learnt from as the idle label, which the model gains if the dataset has none. They are never judged by.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ademan.clip import Clip, Points, as_fractions
from ademan.datasets import NO_LABEL, Dataset
from ademan.datasets.table import Ints
from ademan.errors import TrainingError
from ademan.evaluation.idle_stream import join
from ademan.synthetic import IDLE, clips, people
from ademan.window import Window

MADE_UP = "made-up"
_MORE_THAN_A_CLASS = 2  # background clips of each source, in mean clips of a class: it is more varied than a gesture
_CLIPS_OF_A_PERSON = 4
_KEPT = (0.2, 0.5)  # share of each of the two gestures that is kept


@dataclass(frozen=True, eq=False)
class Background:
    """Windows without a gesture.

    Args:
        windows: (T, P, C) each, NaN where not seen.
        label: index of the idle label in the labels of the model.
    """

    windows: list[Points]
    label: int


def with_idle(labels: tuple[str, ...], sources: Sequence[str], idle: str) -> tuple[str, ...]:
    """Return the labels of a model: those of the dataset, and idle if it is trained with a background."""
    return (*labels, idle) if sources and idle not in labels else labels


def background(
    dataset: Dataset, train: Ints, window: Window, sources: Sequence[str], idle: str, seed: int
) -> Background:
    """Return the background of a training.

    Args:
        dataset: that is trained on.
        train: indices of the clips that are learnt from; no other is looked at.
        window: how clips are fitted.
        sources: "made-up", or dataset files.
        idle: the label that means no gesture.
        seed: the same one gives the same clips.

    Raises:
        DatasetError: a file is no dataset. Whether it fits is for `check_sources`.
    """
    rng = np.random.default_rng(seed)
    labels = with_idle(dataset.labels, sources, idle)
    gestures = train[dataset.table.labels[train] != labels.index(idle)] if sources else train
    count = _MORE_THAN_A_CLASS * -(-len(gestures) // max(1, len(np.unique(dataset.table.labels[gestures]))))
    windows: list[Points] = []
    for source in sources:
        if source == MADE_UP:
            made = _cut_through(dataset, gestures, count, rng)
            windows += [window.cut(clip.points, clip.timestamps_ms) for clip in made]
            if dataset.skeleton.name == "hands" and dataset.coordinates != "metres":
                windows += [_as_in(dataset, clip, window) for clip in _idle_hands(count, rng)]
        else:
            windows += _of_others(Path(source), window, count, rng)
    return Background([w for w in windows if not np.isnan(w).all()], labels.index(idle) if sources else -1)


def told_sources(sources: Sequence[str]) -> list[dict[str, Any]]:
    """Return sources as a manifest has them: names, and by what their files are known again; not where they lay."""
    return [{"name": MADE_UP} if source == MADE_UP else _told_file(source) for source in sources]


def _told_file(path: str) -> dict[str, Any]:
    with Dataset(path) as others:
        return {"name": others.path.name, "digest": others.digest, "files": others.made.get("files", {})}


def check_sources(dataset: Dataset, sources: Sequence[str], idle: str) -> None:
    """Find whether background can be made of some sources.

    Raises:
        TrainingError: a file's clips have other points, coordinates or channels, or gestures of the dataset's own.
        DatasetError: a file is no dataset.
    """
    for source in sources:
        if source != MADE_UP:
            with Dataset(source) as others:
                _check_others(dataset, others, idle)


def _check_others(dataset: Dataset, others: Dataset, idle: str) -> None:
    found = (others.skeleton.points, others.coordinates, others.channels)
    if found != (dataset.skeleton.points, dataset.coordinates, dataset.channels):
        raise TrainingError(
            f"{others.path} cannot be the background of {dataset.path}: it has points of '{others.skeleton.name}', "
            f"{others.coordinates}, {others.channels} numbers each; expected '{dataset.skeleton.name}', "
            f"{dataset.coordinates}, {dataset.channels}."
        )
    shown = {others.labels[k] for k in np.unique(others.table.labels) if k != NO_LABEL}
    shared = sorted((shown & set(dataset.labels)) - {idle})
    if shared:
        raise TrainingError(
            f"{others.path} has clips of {', '.join(shared)}, which {dataset.path} teaches: they are no background. "
            "Leave them out with --classes when importing."
        )


def _idle_hands(count: int, rng: np.random.Generator) -> list[Clip]:
    made = people(-(-count // _CLIPS_OF_A_PERSON), rng)
    return [clip for person in made for clip in clips(person, [IDLE], _CLIPS_OF_A_PERSON, rng)][:count]


def _as_in(dataset: Dataset, clip: Clip, window: Window) -> Points:
    points = clip.points
    if dataset.coordinates == "fraction" and clip.image_wh:
        points = as_fractions(points, clip.image_wh)
    return window.cut(points[..., : dataset.channels], clip.timestamps_ms)


def _cut_through(dataset: Dataset, gestures: Ints, count: int, rng: np.random.Generator) -> list[Clip]:
    """Return clips that begin as the end of one gesture and end as the beginning of another."""
    pairs = [rng.choice(gestures, 2) for _ in range(count)]
    halves = [
        (_part(dataset[int(a)], -rng.uniform(*_KEPT)), _part(dataset[int(b)], rng.uniform(*_KEPT)))
        for a, b in pairs
        if dataset.table.labels[a] != dataset.table.labels[b]
    ]
    return [join(both) for both in halves if all(part.seen.any() for part in both)]


def _part(clip: Clip, share: float) -> Clip:
    """Return the beginning of a clip, or with a share below zero its end."""
    kept = max(1, round(abs(share) * len(clip)))
    frames = slice(kept) if share > 0 else slice(len(clip) - kept, None)
    return replace(clip, points=clip.points[frames], timestamps_ms=clip.timestamps_ms[frames])


def _of_others(path: Path, window: Window, count: int, rng: np.random.Generator) -> list[Points]:
    with Dataset(path) as others:
        chosen = rng.permutation(len(others))[:count]
        return [window.cut(*others.points(int(i)), others.coordinates) for i in np.sort(chosen)]
