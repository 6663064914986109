"""`ademan evaluate`."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from ademan.cli.terminal import Json, out, plain, print_json, print_table, warn
from ademan.errors import ConfigError, EvaluationError, require
from ademan.evaluation.idle_stream import IDLE_MINUTES
from ademan.evaluation.rejection import Setting
from ademan.evaluation.shown import read_intervals
from ademan.evaluation.streams import LATE_MS, Counts, StreamScores, judge_stream
from ademan.evaluation.words import false_events, others_warning, threshold_of, thresholds_chosen
from ademan.files import write_json
from ademan.recognition import Classifier, StreamConfig
from ademan.recognition.sources import clips_of

if TYPE_CHECKING:
    from ademan.evaluation.evaluate import Evaluation
    from ademan.evaluation.others import OthersScores

_MET = "  [yellow](some of them were, or may have been, seen in training)[/yellow]"


def evaluate(
    bundle: Path,
    dataset: Path,
    /,
    *,
    split: str | None = None,
    part: Literal["train", "val", "test"] = "test",
    fractions: tuple[float, float, float] | None = None,
    split_seed: int | None = None,
    others: tuple[Path, ...] = (),
    others_split: str | None = None,
    idle_minutes: float = IDLE_MINUTES,
    intervals: Path | None = None,
    late_ms: float = LATE_MS,
    stream: Annotated[StreamConfig, Parameter(name="*")] = StreamConfig(),
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    json: Json = False,
) -> None:
    """Judge a bundle on a dataset; or, with --intervals, on a long recording by the events that it causes.

    On the dataset that it was trained on, the default is the test part of the split of its training; on any other,
    all labelled clips.

    Args:
        bundle: folder, or .zip.
        dataset: file; with --intervals a recording: a video, or DATASET.h5#CLIP.
        split: random, group:subject, official:NAME, ... as for training; or all.
        part: which part of the split.
        fractions: of train, validation and test; those of the training by default.
        split_seed: that of the training by default.
        others: datasets of the same skeleton whose clips show none of the bundle's gestures, to tell how many are taken
            for one, and how often it would fire by mistake. Idle clips of DATASET count as such, too.
        others_split: how to divide the labelled clips of each of these: the test part is judged, thresholds are chosen
            on the rest; without it, thresholds are chosen on the clips that are judged.
        idle_minutes: of streams made of clips without a gesture, at most; 1 or more.
        intervals: what is shown in the recording: a CSV file with the columns start_ms, end_ms and label.
        late_ms: how long after a gesture's end its event may still come; with --intervals.
        output: folder for metrics.json, plots and report.html; with --intervals for stream.json.
        json: print one JSON object.
    """
    if intervals is not None:
        if split or fractions or split_seed is not None or others or others_split or idle_minutes != IDLE_MINUTES:
            raise ConfigError(
                "--intervals judges one recording whole: leave out --split, --fractions, --split-seed, --others, "
                "--others-split and --idle-minutes."
            )
        _evaluate_stream(bundle, str(dataset), intervals, late_ms, stream, output, json=json)
        return
    if stream != StreamConfig():
        raise ConfigError(f"clips of a dataset are judged without {stream}; it takes a recording and --intervals.")
    how = {
        "split": split,
        "part": part,
        "fractions": fractions,
        "split_seed": split_seed,
        "others": others,
        "others_split": others_split,
        "idle_minutes": idle_minutes,
    }
    _evaluate_clips(bundle, dataset, how, output, json=json)


def _evaluate_clips(bundle: Path, dataset: Path, how: dict[str, Any], output: Path | None, *, json: bool) -> None:
    require("sklearn", feature="Evaluation", extra="train")
    from ademan.evaluation.evaluate import evaluate as judge

    result = judge(bundle, dataset, **how, out=output)
    if json:
        print_json(result.to_json())
        return
    _print(result)
    if output:
        out.print(f"report: {plain(output / 'report.html')}")


def _evaluate_stream(
    bundle: Path,
    recording: str,
    intervals: Path,
    late_ms: float,
    stream: StreamConfig,
    output: Path | None,
    *,
    json: bool,
) -> None:
    classifier = Classifier(bundle)
    shown = read_intervals(intervals, classifier.manifest.idle)
    clips = list(islice(clips_of(recording, classifier.manifest), 2))
    if len(clips) != 1:
        found = "more than one recording" if clips else "no recording"
        raise EvaluationError(f"{recording} holds {found}, {intervals} is of one: name it, as FILE.h5#CLIP.")
    scores = judge_stream(classifier, clips[0], shown, config=stream, late_ms=late_ms)
    if output:
        write_json(output / "stream.json", scores.to_json())
    if json:
        print_json(scores.to_json())
    else:
        _print_stream(scores)


def _print_stream(scores: StreamScores) -> None:
    print_table(
        ("gesture", "made", "named", "again", "confused", "false", "recall", "precision", "F1", "median delay"),
        [_row(label, counts) for label, counts in (*scores.labels.items(), ("all", scores.total))],
    )
    late = scores.total.delay_ms(0.95)
    if late is not None:
        out.print(f"95 % of the events come within {late:.0f} ms of the gesture's start")
    if scores.false_per_hour is not None:
        out.print(
            f"{scores.false_per_hour:.1f} false events an hour in {scores.idle_hours * 60:.1f} minutes without a "
            f"gesture; with 95 % confidence there are fewer than {scores.false_per_hour_below:.2g}"
        )


def _row(label: str, counts: Counts) -> tuple[object, ...]:
    delay = counts.delay_ms(0.5)
    return (
        label,
        counts.made,
        counts.named,
        counts.repeats,
        counts.confused,
        counts.false,
        f"{counts.recall:.1%}" if counts.made else "",
        f"{counts.precision:.1%}",
        f"{counts.f1:.3f}",
        "" if delay is None else f"{delay:.0f} ms",
    )


def _print(result: "Evaluation") -> None:
    out.print(f"{plain(result.clips)}{'' if result.unseen else _MET}")
    scores = result.scores
    low, high = scores.accuracy_interval.low, scores.accuracy_interval.high
    print_table(
        ("clips", "accuracy", "95 % interval", "macro F1", "weighted F1", "calibration error"),
        [
            (
                scores.clips,
                f"{scores.accuracy:.1%}",
                f"{low:.1%} to {high:.1%}",
                f"{scores.macro_f1:.3f}",
                f"{scores.weighted_f1:.3f}",
                f"{scores.ece:.3f}",
            )
        ],
    )
    if result.others:
        _print_others(result.others)
    else:
        warn(others_warning(None))
    if result.skipped:
        first = ", ".join(result.skipped[:5])
        warn(f"{len(result.skipped)} clips were not judged, since nothing is seen in them: {first}")


def _print_others(others: "OthersScores") -> None:
    if others.rejection:
        found = others.rejection
        kinds = ", ".join(f"{kind.taken.clips} {plain(kind.name)}" for kind in found.kinds)
        out.print(f"clips that show no gesture: {kinds}{'' if others.unseen else _MET}")
        columns = ("threshold", "taken for one", "95 % interval", "gestures found", "rightly named", "95 % interval")
        print_table(columns, [_setting(one) for one in (found.own, *found.telling)])
        out.print(f"area under the ROC curve {found.auc:.3f}. {thresholds_chosen(found)}")
    out.print(plain(false_events(others.stream)))


def _setting(one: Setting) -> tuple[object, ...]:
    return (
        threshold_of(one),
        f"{one.taken.share:.1%}",
        f"{one.taken.interval.low:.1%} to {one.taken.interval.high:.1%}",
        f"{one.found.share:.1%}",
        f"{one.right.share:.1%}",
        f"{one.right.interval.low:.1%} to {one.right.interval.high:.1%}",
    )
