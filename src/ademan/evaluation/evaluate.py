"""Evaluation of a bundle, never of a checkpoint: what is judged is what will run."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ademan.datasets import NO_LABEL, Dataset, Split, make_splits
from ademan.datasets.copies import RECORDED, originals
from ademan.datasets.splits import DEFAULT_FRACTIONS, Fractions
from ademan.datasets.table import GroupKind, Ints
from ademan.errors import ConfigError, EvaluationError
from ademan.evaluation import plots
from ademan.evaluation.attention import AttentionScores, judge_attention
from ademan.evaluation.idle_stream import IDLE_MINUTES
from ademan.evaluation.metrics import Scores, score
from ademan.evaluation.others import (
    Others,
    OthersScores,
    idle_clips,
    in_background,
    judge_others,
    one_split,
    other_gestures,
    same_source,
)
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
        others: what it makes of clips that show none of its gestures, if there were any.
        attention: what it rests on, if its network has attention.
    """

    scores: Scores
    clips: str
    split: str = ""
    unseen: bool = True
    skipped: tuple[str, ...] = ()
    others: OthersScores | None = None
    attention: AttentionScores | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        told = {"clips_judged": self.clips, "split": self.split, "unseen": self.unseen, "skipped": list(self.skipped)}
        return {**told, **self.scores.to_json(), **(self.others.to_json() if self.others else {})}


@dataclass(frozen=True, eq=False)
class Part:
    """Clips of a dataset that are judged.

    Args:
        clips: their indices.
        spare: of clips that are not judged, and that no weights were fitted to: thresholds are chosen on idle ones.
        split: that the clips are of; without a name if they are of none.
        told: what they are, in words.
        unseen: whether none of them was used in training, as far as the bundle's manifest tells.
    """

    clips: Ints
    spare: Ints
    split: Split
    told: str
    unseen: bool


def judge(
    classifier: Classifier,
    dataset: Dataset,
    part: Part,
    files: Sequence[Others] = (),
    idle_minutes: float = IDLE_MINUTES,
    *,
    with_others: bool = True,
) -> Evaluation:
    """Return how a bundle does on some clips of a dataset, and what it makes of those that show no gesture.

    Args:
        classifier: the bundle.
        dataset: opened.
        part: of the dataset.
        files: clips of other datasets that show none of the bundle's gestures.
        idle_minutes: of streams that are made of clips without a gesture, at most.
        with_others: whether to judge, too, what it makes of those that show none, and what its attention rests on.

    Raises:
        EvaluationError: a clip has no label, or one that the bundle does not know; or there is no clip.
        ClipError: the clips have another skeleton or other coordinates than the bundle's.
        ConfigError: there are too few minutes.
    """
    predictions, skipped = _predictions(classifier, dataset, part.clips, part.split.group_kind)
    result = Evaluation(score(predictions), part.told, part.split.name, part.unseen, skipped)
    if not with_others:
        return result
    idle = idle_clips(classifier, dataset, part.clips, part.spare, part.unseen)
    others = judge_others(classifier, predictions, idle, files, idle_minutes)
    return replace(result, others=others, attention=_attention(classifier, dataset, part.clips, predictions))


def _attention(
    classifier: Classifier, dataset: Dataset, clips: Ints, predictions: Predictions
) -> AttentionScores | None:
    """Return what attention rests on in the clips that were judged; None if the network has none."""
    if not classifier.attends:
        return None
    judged = clips[np.isin(dataset.table.ids[clips], predictions.ids)]
    return judge_attention(classifier, (dataset[int(i)] for i in judged), predictions.truth)


def _predictions(
    classifier: Classifier, dataset: Dataset, clips: Ints, group_kind: GroupKind | None
) -> tuple[Predictions, tuple[str, ...]]:
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
    return predictions, tuple(skipped)


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
    others: Sequence[Path | str] = (),
    others_split: str | None = None,
    idle_minutes: float = IDLE_MINUTES,
    out: Path | str | None = None,
) -> Evaluation:
    """Judge a bundle on a dataset.

    On the dataset that trained it, the default is the test part of the split it was trained with; on any other, all
    labelled clips. Idle clips among them, and the clips of `others`, say how it does with what is no gesture.

    Args:
        bundle: folder or .zip.
        dataset: file.
        split: as for training, or "all"; see `ademan.datasets.splits`.
        part: train, val or test.
        fractions: of the split; those of the training by default.
        split_seed: of the split; that of the training by default.
        others: files whose clips show none of the bundle's gestures.
        others_split: of each of these: its test part is judged, thresholds are chosen on the rest. Without it they are
            chosen on the clips that are judged.
        idle_minutes: of streams that are made of clips without a gesture, at most.
        out: folder for `metrics.json`, `plots/` and `report.html`, and `attention.json` if there is any.

    Raises:
        AdemanError: whatever does not fit together, see `judge` and `ademan.evaluation.others`.
        ConfigError: `others_split` without `others`.
    """
    if part not in {"train", "val", "test"}:
        raise EvaluationError(f"part '{part}' is unknown; choose train, val or test.")
    if others_split is not None and not others:
        raise ConfigError(f"--others-split {others_split} divides the files of --others: name some, or leave it out.")
    classifier = Classifier(bundle)
    with ExitStack() as stack:
        opened = stack.enter_context(Dataset(dataset))
        more = [stack.enter_context(Dataset(path)) for path in others]
        judged = _part(classifier, opened, split, part, fractions, split_seed)
        files = [other_gestures(classifier, file, others_split, split_seed or 0) for file in more]
        result = judge(classifier, opened, judged, files, idle_minutes)
    if out is not None:
        write_evaluation(Path(out), result, classifier, title=Path(bundle).resolve().name)
    return result


def _part(
    classifier: Classifier,
    dataset: Dataset,
    spec: str | None,
    part: str,
    fractions: Fractions | None,
    split_seed: int | None,
) -> Part:
    training = classifier.manifest.training
    trained = _trained_split(training, dataset)
    how = training.get("split", {}) if trained else {}
    fractions = fractions or tuple(how.get("fractions", DEFAULT_FRACTIONS))
    seed = how.get("seed", 0) if split_seed is None else split_seed
    split = _chosen(dataset, spec or how.get("name", "all"), fractions, seed)
    clips = split.parts()[part]
    told = f"{part} part of {split.name}" if split.name else f"all {len(clips)} labelled clips"
    spare = split.val if split.name and part == "test" else clips[:0]
    if trained is None:
        unseen = not (same_source(classifier.manifest.points, dataset) or in_background(training, dataset))
    else:
        seen = np.union1d(trained.train, trained.val)
        unseen = not np.isin(clips, seen).any()
        spare = np.setdiff1d(spare, seen if training.get("refitted") else trained.train)
    return Part(clips, spare if unseen else clips[:0], split, f"{told} of {dataset.path.name}", unseen)


def _trained_split(training: Any, dataset: Dataset) -> Split | None:
    """Return the split that a bundle was trained with, if that was on this very dataset."""
    if training.get("dataset", {}).get("digest") != dataset.digest:
        return None
    how = training["split"]
    return make_splits(dataset, how["name"], tuple(how["fractions"]), how["seed"])[0]


def _chosen(dataset: Dataset, spec: str, fractions: Fractions, seed: int) -> Split:
    """Return the split to judge by; with "all", one without a name whose every part is all labelled clips."""
    if spec == "all":
        clips = np.flatnonzero((dataset.table.labels != NO_LABEL) & (originals(dataset) == RECORDED))
        return Split("", clips, clips, clips)
    return one_split(make_splits(dataset, spec, fractions, seed), spec)


def write_evaluation(
    folder: Path,
    result: Evaluation,
    classifier: Classifier,
    *,
    title: str,
    history: Sequence[dict[str, float]] = (),
    metrics: dict[str, Any] | None = None,
) -> None:
    """Write `metrics.json`, `plots/*.png`, `report.html`, and `attention.json` if the network has attention.

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
    if result.attention:
        write_json(folder / "attention.json", {"clips_judged": result.clips, **result.attention.to_json()})
        plots.plot_frame_attention(result.attention, folder / "plots" / "attention_frames.png")
        plots.plot_channel_attention(result.attention, folder / "plots" / "attention_channels.png")
    if history:
        plots.plot_history(history, folder / "plots" / "history.png", best)
    facts = {"judged": result.clips, **_facts(manifest)}
    report = Report(title, result.scores, result.split, result.unseen, tuple(history), best, facts)
    write_report(folder / "report.html", replace(report, others=result.others, attention=result.attention))


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
