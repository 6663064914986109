"""Several runs as one figure: what another seed or split would change."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

from ademan.errors import EvaluationError
from ademan.evaluation.intervals import Interval, wilson
from ademan.evaluation.metrics import Scores


@dataclass(frozen=True)
class Spread:
    """A figure over several runs.

    Args:
        values: one a run, in their order.
        mean: of the values.
        deviation: their sample standard deviation (divided by runs - 1); None for a single run.
    """

    values: tuple[float, ...]
    mean: float
    deviation: float | None


@dataclass(frozen=True)
class Summary:
    """Accuracy, macro F1 and expected calibration error over several seeds, and splits.

    Args:
        accuracy: of the runs.
        macro_f1: of the runs.
        ece: of the runs.
        clips: that were judged, each counted once however many seeds it was judged with.
        interval: 95 % Wilson interval of so many clips, at the share of them that was right over all runs.
    """

    accuracy: Spread
    macro_f1: Spread
    ece: Spread
    clips: int
    interval: Interval

    def __len__(self) -> int:
        return len(self.accuracy.values)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values without NaN, for `write_json`."""
        return asdict(self)


def summarise(runs: Sequence[Scores], repeats: int = 1) -> Summary:
    """Return mean and spread over runs.

    Args:
        runs: their scores.
        repeats: how many of them judged the same clips: the number of seeds.

    Raises:
        EvaluationError: there is no run.
    """
    if not runs:
        raise EvaluationError("a summary needs the scores of one run or more, found none.")
    clips = sum(run.clips for run in runs) // repeats
    right = round(sum(run.correct for run in runs) / repeats)
    return Summary(
        _spread([run.accuracy for run in runs]),
        _spread([run.macro_f1 for run in runs]),
        _spread([run.ece for run in runs]),
        clips,
        wilson(right, clips),
    )


def _spread(values: Sequence[float]) -> Spread:
    return Spread(tuple(values), fmean(values), stdev(values) if len(values) > 1 else None)
