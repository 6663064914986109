import json

import pytest

from ademan.errors import EvaluationError
from ademan.evaluation import score, summarise
from ademan.evaluation.intervals import wilson
from tests.evaluation.conftest import certain


def test_mean_and_sample_deviation_agree_with_those_computed_by_hand() -> None:
    runs = [score(certain([0] * 10, [0] * right + [1] * (10 - right))) for right in (5, 6, 10)]
    summary = summarise(runs)
    assert summary.accuracy.values == (0.5, 0.6, 1.0)
    assert summary.accuracy.mean == pytest.approx(0.7)
    assert summary.accuracy.deviation == pytest.approx((0.14 / 2) ** 0.5)
    assert len(summary) == 3


def test_clips_that_several_seeds_judged_count_once() -> None:
    runs = [score(certain([0] * 10, [0] * right + [1] * (10 - right))) for right in (5, 6, 10, 9)]
    summary = summarise(runs, repeats=2)
    assert summary.clips == 20
    assert summary.interval == wilson(15, 20)
    assert summarise(runs).interval == wilson(30, 40)


def test_one_run_has_no_spread() -> None:
    summary = summarise([score(certain([0, 1], [0, 1]))])
    assert summary.macro_f1.deviation is None
    assert json.loads(json.dumps(summary.to_json(), allow_nan=False))["ece"] == {
        "values": [0.0],
        "mean": 0.0,
        "deviation": None,
    }


def test_no_run_is_refused() -> None:
    with pytest.raises(EvaluationError, match="one run or more, found none"):
        summarise([])
