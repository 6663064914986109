"""Clips that show no gesture of a bundle, idle ones and those of other datasets, and what it makes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ademan.datasets import NO_LABEL, Dataset, Split, make_splits
from ademan.datasets.copies import RECORDED, originals
from ademan.datasets.table import Ints
from ademan.errors import ClipError, EvaluationError, SplitError
from ademan.evaluation.idle_stream import IDLE_MINUTES, FalseEvents, by_person, judge_idle
from ademan.evaluation.predictions import Predictions
from ademan.evaluation.rejection import Rejection, judge_rejection
from ademan.recognition import Classifier

FEW = 20
"""Thresholds are not chosen on fewer clips of their own: one of them would be more than 5 %."""


@dataclass(frozen=True, eq=False)
class Others:
    """Clips of a dataset that show no gesture of a bundle.

    Args:
        kind: what they are, in words.
        dataset: opened.
        clips: those that are judged.
        chosen_on: others, to choose thresholds by; may be empty.
        unseen: whether none was used in training, as far as the bundle's manifest tells.
    """

    kind: str
    dataset: Dataset
    clips: Ints
    chosen_on: Ints
    unseen: bool = True


@dataclass(frozen=True)
class OthersScores:
    """How a bundle does with clips that show none of its gestures.

    Args:
        rejection: how well it tells them from its gestures; None if there were no clips of both sorts.
        stream: what they cause when joined to streams; None if they are too short for it.
        unseen: whether none of them was used in training, as far as the bundle's manifest tells.
        skipped: those in which the model sees nothing, as FILE.h5#CLIP; in streams they are not left out.
    """

    rejection: Rejection | None
    stream: FalseEvents | None
    unseen: bool = True
    skipped: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return {
            "rejection": self.rejection and self.rejection.to_json(),
            "idle_stream": self.stream and self.stream.to_json(),
            "others_unseen": self.unseen,
            "others_skipped": list(self.skipped),
        }


def idle_clips(classifier: Classifier, dataset: Dataset, clips: Ints, spare: Ints, unseen: bool) -> Others:
    """Return those of a dataset's clips that have the bundle's idle label; none if it has no such label.

    Args:
        classifier: the bundle.
        dataset: opened.
        clips: that are judged.
        spare: that are not judged; thresholds may be chosen on the idle ones among them.
        unseen: whether `clips` are new to the bundle.
    """
    idle = classifier.manifest.idle
    number = dataset.labels.index(idle) if idle in dataset.labels else NO_LABEL - 1
    judged, chosen_on = (part[dataset.table.labels[part] == number] for part in (clips, spare))
    return Others(f"'{idle}' of {dataset.path.name}", dataset, judged, chosen_on, unseen)


def other_gestures(classifier: Classifier, dataset: Dataset, split: str | None = None, seed: int = 0) -> Others:
    """Return all clips of a dataset that shows none of a bundle's gestures; with or without a label.

    Args:
        classifier: the bundle.
        dataset: opened.
        split: as for training; its test part is judged, thresholds are chosen on the rest. Clips without a label are
            then left out.
        seed: of the split.

    Raises:
        EvaluationError: it has clips of the bundle's gestures; or they cannot be divided so, or into several splits.
        ClipError: its clips are not of the kind that the bundle takes.
    """
    try:
        classifier.check(dataset[0])
    except ClipError as error:
        raise ClipError(f"{dataset.path}: {error}") from error
    numbers = np.unique(dataset.table.labels)
    shown = {dataset.labels[k] for k in numbers if k != NO_LABEL}
    known = sorted(shown & set(classifier.labels) - {classifier.manifest.idle})
    if known:
        raise EvaluationError(
            f"{dataset.path} has clips of {', '.join(known[:5])}, which the bundle knows; expected clips that show "
            "none of its gestures. Leave these out with --classes when importing."
        )
    # But for the background, no gesture was trained on that the bundle does not know; a clip without a label may be
    # one that it does.
    could_train = NO_LABEL in numbers or classifier.manifest.idle in shown
    met = could_train and same_source(classifier.manifest.points, dataset)
    unseen = not (met or in_background(classifier.manifest.training, dataset))
    if split is None:
        everything = np.flatnonzero(originals(dataset) == RECORDED)
        return Others(dataset.path.name, dataset, everything, everything[:0], unseen)
    try:
        chosen = one_split(make_splits(dataset, split, (0.5, 0.0, 0.5), seed), split)
    except SplitError as error:
        raise EvaluationError(
            f"{dataset.path} cannot be divided by '{split}': {error} Or leave out --others-split: thresholds are then "
            "chosen on the clips that are judged."
        ) from error
    return Others(dataset.path.name, dataset, chosen.test, np.union1d(chosen.train, chosen.val), unseen)


def same_source(points: Mapping[str, Any], dataset: Dataset) -> bool:
    """Return whether a dataset was made from a file that the training data was made from, too.

    Args:
        points: how the training data was made, as a manifest has it.
        dataset: opened.
    """
    files = points.get("files", {}), dataset.made.get("files", {})
    return bool(set(files[0].values()) & set(files[1].values()))


def in_background(training: Mapping[str, Any], dataset: Dataset) -> bool:
    """Return whether clips of a dataset, or of a file that it was made from, may have been learnt from as idle ones.

    Args:
        training: how the bundle was trained, as a manifest has it.
        dataset: opened.
    """
    files = [one for one in training.get("background", ()) if isinstance(one, Mapping)]
    return any(one.get("digest") == dataset.digest or same_source(one, dataset) for one in files)


def one_split(splits: Sequence[Split], spec: str) -> Split:
    """Return the only one of some splits.

    Raises:
        EvaluationError: there are several.
    """
    if len(splits) != 1:
        raise EvaluationError(f"'{spec}' is {len(splits)} splits; name one of them, such as {splits[0].name}.")
    return splits[0]


def judge_others(
    classifier: Classifier,
    predictions: Predictions,
    idle: Others,
    files: Sequence[Others],
    minutes: float = IDLE_MINUTES,
) -> OthersScores | None:
    """Judge what a bundle makes of clips that show none of its gestures.

    Args:
        classifier: the bundle.
        predictions: of clips that show its gestures, and of the idle ones among them.
        idle: where these come from.
        files: clips of other datasets.
        minutes: of streams that are made of them, at most.

    Returns:
        None if there is no such clip.

    Raises:
        ClipError: clips are not of the kind that the bundle takes.
    """
    sources = [source for source in (idle, *files) if len(source.clips)]
    if not sources:
        return None
    skipped: list[str] = []
    rejection = _rejection(classifier, predictions, idle, files, skipped)
    rng = np.random.default_rng(0)  # the same clips in the same order each time
    people = [clips for source in sources for clips in by_person(source.dataset, source.clips, rng)]
    stream = judge_idle(classifier, people, minutes=minutes)
    return OthersScores(rejection, stream, all(source.unseen for source in sources), tuple(skipped))


def _rejection(
    classifier: Classifier, predictions: Predictions, idle: Others, files: Sequence[Others], skipped: list[str]
) -> Rejection | None:
    """Return how well gestures are told from all else; None if there are no clips of both sorts.

    Thresholds are chosen on clips of their own if each file, or without any the idle clips, have FEW of them or more;
    else on those that are judged: idle clips of validation alone would say little of other gestures.
    """
    number = classifier.labels.index(classifier.manifest.idle) if classifier.manifest.idle else None
    is_idle = predictions.truth == (-1 if number is None else number)
    rows = [predictions.probabilities[is_idle]]
    rows += [_probabilities(classifier, file, file.clips, skipped) for file in files]
    judged = [(source, found) for source, found in zip((idle, *files), rows, strict=True) if len(found)]
    if is_idle.all() or not judged:
        return None
    separate = all(len(source.chosen_on) >= FEW for source in files or [idle])
    spare = [_probabilities(classifier, source, source.chosen_on, []) for source, _ in judged if separate]
    return judge_rejection(
        predictions.truth[~is_idle],
        predictions.probabilities[~is_idle],
        np.concatenate(rows),
        idle=number,
        accept=classifier.manifest.thresholds.accept,
        kinds=[source.kind for source, found in judged for _ in found],
        chosen_on=np.concatenate(spare) if separate else None,
    )


def _probabilities(classifier: Classifier, source: Others, clips: Ints, skipped: list[str]) -> NDArray[np.float64]:
    """Return the probabilities (N, K) of those clips in which the model sees something, and note the others' names."""
    asked = (source.dataset[int(i)] for i in clips)
    found = classifier.predict_all(asked, lambda clip: skipped.append(f"{source.dataset.path.name}#{clip.id}"))
    rows = [prediction.probabilities for prediction in found]
    return np.array(rows, np.float64).reshape(len(rows), len(classifier.labels))
