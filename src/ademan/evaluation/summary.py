"""Several runs as one figure: what another seed or split would change."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

from ademan.errors import EvaluationError
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
    """Accuracy, macro F1 and expected calibration error over several seeds or official splits."""

    accuracy: Spread
    macro_f1: Spread
    ece: Spread

    def __len__(self) -> int:
        return len(self.accuracy.values)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values without NaN, for `write_json`."""
        return asdict(self)


def summarise(runs: Sequence[Scores]) -> Summary:
    """Return mean and spread over runs.

    Raises:
        EvaluationError: there is no run.
    """
    if not runs:
        raise EvaluationError("a summary needs the scores of one run or more, found none.")
    return Summary(
        _spread([run.accuracy for run in runs]),
        _spread([run.macro_f1 for run in runs]),
        _spread([run.ece for run in runs]),
    )


def _spread(values: Sequence[float]) -> Spread:
    return Spread(tuple(values), fmean(values), stdev(values) if len(values) > 1 else None)
