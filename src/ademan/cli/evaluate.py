"""`ademan evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ademan.cli.terminal import Json, out, plain, print_json, print_table, warn
from ademan.errors import require

if TYPE_CHECKING:
    from ademan.evaluation.evaluate import Evaluation

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
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    json: Json = False,
) -> None:
    """Judge a bundle on a dataset.

    On the dataset that it was trained on, the default is the test part of the split of its training; on any other,
    all labelled clips.

    Args:
        bundle: folder, or .zip.
        dataset: file.
        split: random, group:subject, official:NAME, ... as for training; or all.
        part: which part of the split.
        fractions: of train, validation and test; those of the training by default.
        split_seed: that of the training by default.
        output: folder for metrics.json, plots and report.html.
        json: print one JSON object.
    """
    require("sklearn", feature="Evaluation", extra="train")
    from ademan.evaluation.evaluate import evaluate as judge

    result = judge(bundle, dataset, split=split, part=part, fractions=fractions, split_seed=split_seed, out=output)
    if json:
        print_json(result.to_json())
        return
    _print(result)
    if output:
        out.print(f"report: {plain(output / 'report.html')}")


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
    if result.skipped:
        first = ", ".join(result.skipped[:5])
        warn(f"{len(result.skipped)} clips were not judged, since nothing is seen in them: {first}")
