import json
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ademan.errors import EvaluationError
from ademan.evaluation.intervals import wilson
from ademan.evaluation.rejection import RATES, Kind, Rejection, judge_rejection, threshold_at

IDLE = 2
CONFIDENCES = st.lists(st.sampled_from([k / 8 for k in range(9)]) | st.floats(0, 1, width=32), min_size=1, max_size=60)


def said(*confidences: float, label: int = 0) -> NDArray[np.float64]:
    """Return probabilities of clips that are taken for a label, 0 or 1, with these confidences; idle has the rest."""
    p = np.zeros((len(confidences), 3))
    p[:, label] = confidences
    p[:, IDLE] = 1 - p[:, label]
    return p


def judged(gestures: NDArray[np.float64], others: NDArray[np.float64], **options: Any) -> Rejection:
    """Judge clips of the gesture 0 and clips of none."""
    return judge_rejection(
        np.zeros(len(gestures), np.int64), gestures, others, **{"idle": IDLE, "accept": 0.5, **options}
    )


def test_what_is_taken_found_and_right_is_counted() -> None:
    gestures = np.concatenate([said(0.9, 0.8, 0.3), said(0.7, label=1)])
    found = judged(gestures, said(0.95, 0.6, 0.2, 0.1, 0.0), rates=(0.2, 0.4))
    assert (found.gestures, found.others, found.chosen_on, found.separate) == (4, 5, 5, False)
    counts = [(one.taken.count, one.found.count, one.right.count) for one in (found.own, *found.settings)]
    assert counts == [(2, 3, 2), (1, 3, 2), (2, 4, 3)]
    assert found.own.threshold == 0.5
    assert found.own.taken.interval == wilson(2, 5)
    assert [one.asked for one in (found.own, *found.settings)] == [None, 0.2, 0.4]
    assert found.auc == pytest.approx((4 + 4 + 3 + 4) / 20)


def test_a_clip_that_looks_idle_is_as_sure_as_its_best_gesture() -> None:
    found = judged(said(0.3), said(0.2), rates=(0.0,))
    assert found.own.found.count == 0
    assert found.settings[0].found.count == 1
    assert found.auc == 1


def test_without_an_idle_label_all_labels_are_gestures() -> None:
    p = np.array([[0.1, 0.2, 0.7]])
    found = judge_rejection(np.array([2]), p, p[:, ::-1], idle=None, accept=0.6)
    assert (found.own.right.count, found.own.taken.count) == (1, 1)


def test_a_confidence_at_the_threshold_is_accepted() -> None:
    found = judged(said(0.5, np.nextafter(0.5, 0)), said(0.5, 0.4))
    assert (found.own.found.count, found.own.taken.count) == (1, 1)


def test_clips_that_are_equally_sure_are_kept_out_together() -> None:
    found = judged(said(0.7, 0.71), said(*[0.7] * 9, 0.1), rates=(0.5,))
    setting = found.settings[0]
    assert (setting.taken.count, setting.found.count) == (0, 1)
    assert 0.7 < setting.threshold < 0.7 + 1e-12


def test_where_others_are_quite_sure_only_refusing_all_keeps_to_the_rate() -> None:
    setting = judged(said(1.0, 0.9), said(1.0, 0.2), rates=(0.1,)).settings[0]
    assert setting.threshold > 1
    assert (setting.taken.count, setting.found.count) == (0, 0)


@given(CONFIDENCES, st.sampled_from([0, *RATES, 0.29, 0.5, 0.999]) | st.floats(0, 1, exclude_max=True))
def test_the_threshold_is_the_least_that_keeps_to_the_rate(others: list[float], rate: float) -> None:
    confidences = np.array(others)
    threshold = threshold_at(confidences, rate)
    assert (confidences >= threshold).mean() <= rate
    assert threshold == 0 or (confidences >= np.nextafter(threshold, 0)).mean() > rate


def test_no_clip_is_lost_to_rounding() -> None:
    confidences = np.arange(100) / 100
    assert [(confidences >= threshold_at(confidences, k / 100)).sum() for k in range(101)] == list(range(101))


def test_thresholds_may_be_chosen_on_clips_of_their_own() -> None:
    found = judged(said(0.9, 0.65), said(0.8, 0.7, 0.3), chosen_on=said(0.6, 0.2), rates=(0.0,))
    assert (found.separate, found.chosen_on, found.others) == (True, 2, 3)
    setting = found.settings[0]
    assert 0.6 < setting.threshold < 0.600001
    assert (setting.taken.count, setting.taken.clips, setting.found.count) == (2, 3, 2)
    assert not judged(said(0.9), said(0.8), chosen_on=said()).separate


@given(CONFIDENCES, CONFIDENCES)
def test_the_area_is_that_of_scikit_learn(gestures: list[float], others: list[float]) -> None:
    found = judged(said(*gestures), said(*others))
    truth = [1] * len(gestures) + [0] * len(others)
    assert found.auc == pytest.approx(sklearn.metrics.roc_auc_score(truth, [*gestures, *others]))


@given(CONFIDENCES, CONFIDENCES)
def test_the_curve_rises_to_where_all_is_accepted(gestures: list[float], others: list[float]) -> None:
    p = np.concatenate([said(*gestures), said(*gestures[::2], label=1)])
    curve = np.array(judged(p, said(*others)).curve)
    assert (np.diff(curve, axis=0) >= 0).all()
    assert curve[0, 0] == 0
    assert tuple(curve[-1]) == (1, 1, (p[:, 0] >= p[:, 1]).mean())
    assert (curve[:, 2] <= curve[:, 1]).all()


def test_a_share_is_told_by_so_many_clips_that_one_of_them_is_not_more() -> None:
    told = {M: [one.asked for one in judged(said(0.9), said(*[0.1] * M)).telling] for M in (9, 10, 20, 99, 100)}
    assert told == {9: [], 10: [0.1], 20: [0.05, 0.1], 99: [0.05, 0.1], 100: [0.01, 0.05, 0.1]}
    chosen = judged(said(0.9), said(*[0.1] * 9), chosen_on=said(*[0.2] * 100))
    assert len(chosen.telling) == 3


def test_kinds_are_told_apart_at_the_bundle_s_own_threshold() -> None:
    found = judged(said(0.9), said(0.8, 0.1, 0.7), kinds=["idle", "idle", "waves"])
    assert [(kind.name, kind.taken.count, kind.taken.clips) for kind in found.kinds] == [
        ("idle", 1, 2),
        ("waves", 1, 1),
    ]
    assert isinstance(found.kinds[0], Kind)


def test_figures_are_plain_json() -> None:
    json.dumps(judged(said(1.0), said(1.0, 0.2), kinds=["a", "b"]).to_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("gestures", "others", "options", "message"),
    [
        (said(), said(0.5), {}, "no clip shows a gesture of the bundle: rejection is judged on clips of both sorts"),
        (said(0.5), said(), {}, "no clip shows none of its gestures"),
        (said(0.5), said(0.5)[:, :2], {}, r"over 3 labels for all; found \(1,\) and \(1, 2\)"),
        (said(0.5), said(0.5), {"idle": 0}, r"expected gestures from 0 to 2 that are not idle \(0\), found \[0\]"),
        (said(0.5), said(0.5), {"rates": (1.0,)}, r"must be from 0 to below 1, found \[1\.0\]"),
        (said(0.5), said(0.5), {"rates": (np.nan,)}, r"must be from 0 to below 1, found \[nan\]"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    gestures: NDArray[np.float64], others: NDArray[np.float64], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(EvaluationError, match=message):
        judged(gestures, others, **options)
