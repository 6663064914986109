"""Evaluation of a bundle, never of a checkpoint: what is judged is what will run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ademan.datasets import NO_LABEL, Dataset, Split, make_splits
from ademan.datasets.splits import DEFAULT_FRACTIONS, Fractions
from ademan.datasets.table import GroupKind, Ints
from ademan.errors import EvaluationError
from ademan.evaluation import plots
from ademan.evaluation.metrics import Scores, score
from ademan.evaluation.predictions import Predictions
from ademan.evaluation.report import Report, write_report
from ademan.files import write_json
from ademan.recognition import Classifier


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How a bundle did on some clips.

    Args:
        scores: the figures.
        clips: what was judged, in words: "test part of official:1".
        split: the name of the split, empty if all clips were judged.
        unseen: whether none of them was used in training, as far as the bundle's manifest tells; of another dataset
            that was made from the same file it cannot be said.
        skipped: ids of clips in which the model sees nothing; they are not judged.
    """

    scores: Scores
    clips: str
    split: str = ""
    unseen: bool = True
    skipped: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        told = {"clips_judged": self.clips, "split": self.split, "unseen": self.unseen, "skipped": list(self.skipped)}
        return {**told, **self.scores.to_json()}


def judge(
    classifier: Classifier, dataset: Dataset, clips: Ints, group_kind: GroupKind | None = None
) -> tuple[Scores, tuple[str, ...]]:
    """Return the scores of a bundle on some clips of a dataset, and the ids of those in which it sees nothing.

    Raises:
        EvaluationError: a clip has no label, or one that the bundle does not know; or there is no clip.
        ClipError: the clips have another skeleton or other coordinates than the bundle's.
    """
    truth = _truth(classifier, dataset, clips)
    skipped: list[str] = []
    asked = (dataset[int(i)] for i in clips)
    rows = [p.probabilities for p in classifier.predict_all(asked, lambda clip: skipped.append(clip.id))]
    judged = ~np.isin(dataset.table.ids[clips], skipped)
    kept = clips[judged]
    kind = group_kind or next((k for k in _GROUP_KINDS if dataset.table.knows(k)), None)
    predictions = Predictions(
        ids=tuple(dataset.table.ids[kept].tolist()),
        truth=truth[judged],
        probabilities=np.array(rows, np.float64).reshape(len(rows), len(classifier.labels)),
        labels=classifier.labels,
        groups=tuple(dataset.table.groups(kind)[kept].tolist()) if kind else None,
        group_kind=kind or "group",
    )
    return score(predictions), tuple(skipped)


_GROUP_KINDS: Sequence[GroupKind] = ("subject", "session")


def _truth(classifier: Classifier, dataset: Dataset, clips: Ints) -> Ints:
    """Return the classes of clips in the bundle's order."""
    position = {label: k for k, label in enumerate(classifier.labels)}
    names = ["no label" if k == NO_LABEL else dataset.labels[k] for k in dataset.table.labels[clips]]
    unknown = sorted(set(names) - set(position))
    if unknown:
        raise EvaluationError(
            f"{dataset.path} has clips of {', '.join(unknown[:5])}; the bundle knows {', '.join(classifier.labels)}. "
            "Import the clips with the same labels, or leave these out with --classes."
        )
    return np.array([position[name] for name in names], np.int64)


def evaluate(
    bundle: Path | str,
    dataset: Path | str,
    *,
    split: str | None = None,
    part: str = "test",
    fractions: Fractions | None = None,
    split_seed: int | None = None,
    out: Path | str | None = None,
) -> Evaluation:
    """Judge a bundle on a dataset.

    On the dataset that trained it, the default is the test part of the split it was trained with; on any other, all
    labelled clips.

    Args:
        bundle: folder or .zip.
        dataset: file.
        split: as for training, or "all"; see `ademan.datasets.splits`.
        part: train, val or test.
        fractions: of the split; those of the training by default.
        split_seed: of the split; that of the training by default.
        out: folder for `metrics.json`, `plots/` and `report.html`.

    Raises:
        AdemanError: whatever does not fit together, see `judge`.
    """
    if part not in {"train", "val", "test"}:
        raise EvaluationError(f"part '{part}' is unknown; choose train, val or test.")
    classifier = Classifier(bundle)
    with Dataset(dataset) as opened:
        trained = _trained_split(classifier.manifest.training, opened)
        how = classifier.manifest.training.get("split", {}) if trained else {}
        fractions = fractions or tuple(how.get("fractions", DEFAULT_FRACTIONS))
        seed = how.get("seed", 0) if split_seed is None else split_seed
        chosen = _chosen(opened, split or how.get("name", "all"), fractions, seed)
        clips = chosen.parts()[part]
        seen = np.union1d(trained.train, trained.val) if trained else clips[:0]
        scores, skipped = judge(classifier, opened, clips, chosen.group_kind)
        told = f"{part} part of {chosen.name}" if chosen.name else f"all {len(clips)} labelled clips"
        unseen = not np.isin(clips, seen).any() if trained else not _same_source(classifier.manifest.points, opened)
        result = Evaluation(scores, f"{told} of {opened.path.name}", chosen.name, unseen, skipped)
    if out is not None:
        write_evaluation(Path(out), result, classifier, title=Path(bundle).resolve().name)
    return result


def _trained_split(training: Any, dataset: Dataset) -> Split | None:
    """Return the split that a bundle was trained with, if that was on this very dataset."""
    if training.get("dataset", {}).get("digest") != dataset.digest:
        return None
    how = training["split"]
    return make_splits(dataset, how["name"], tuple(how["fractions"]), how["seed"])[0]


def _same_source(points: Any, dataset: Dataset) -> bool:
    """Return whether another dataset was made from a file that the training data was made from, too."""
    files = points.get("files", {}), dataset.made.get("files", {})
    return bool(set(files[0].values()) & set(files[1].values()))


def _chosen(dataset: Dataset, spec: str, fractions: Fractions, seed: int) -> Split:
    """Return the split to judge by; with "all", one without a name whose every part is all labelled clips."""
    if spec == "all":
        clips = np.flatnonzero(dataset.table.labels != NO_LABEL)
        return Split("", clips, clips, clips)
    splits = make_splits(dataset, spec, fractions, seed)
    if len(splits) != 1:
        raise EvaluationError(f"'{spec}' is {len(splits)} splits; name one of them, such as {splits[0].name}.")
    return splits[0]


def write_evaluation(
    folder: Path,
    result: Evaluation,
    classifier: Classifier,
    *,
    title: str,
    history: Sequence[dict[str, float]] = (),
    metrics: dict[str, Any] | None = None,
) -> None:
    """Write `metrics.json`, `plots/*.png` and `report.html`.

    Args:
        folder: is made if need be.
        result: what to tell.
        classifier: for its manifest.
        title: of the report.
        history: of the training, for the learning curves.
        metrics: content of `metrics.json`; the scores by default.
    """
    manifest = classifier.manifest
    best = manifest.training.get("best_epoch") if history else None
    write_json(folder / "metrics.json", metrics or result.to_json())
    plots.plot_confusion(result.scores, folder / "plots" / "confusion.png")
    plots.plot_reliability(result.scores, folder / "plots" / "reliability.png")
    plots.plot_class_f1(result.scores, folder / "plots" / "classes.png")
    if history:
        plots.plot_history(history, folder / "plots" / "history.png", best)
    facts = {"judged": result.clips, **_facts(manifest)}
    report = Report(title, result.scores, result.split, result.unseen, tuple(history), best, facts)
    write_report(folder / "report.html", report)


def _facts(manifest: Any) -> dict[str, object]:
    training = {key: value for key, value in manifest.training.items() if key != "scores"}
    return {
        **training,
        "network": manifest.network,
        "window": manifest.window.to_json(),
        "points": manifest.points,
        "versions": manifest.versions,
        "created": manifest.created,
    }
