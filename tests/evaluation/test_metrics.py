import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, log_loss

from ademan.evaluation import Predictions, score
from ademan.evaluation.metrics import LISTED
from ademan.files import write_json
from tests.evaluation.conftest import certain, predictions


@st.composite
def some_predictions(draw: st.DrawFn) -> Predictions:
    """Any truth and probabilities, with many ties among these, classes without clips, and few groups."""
    K, N = draw(st.integers(1, 8)), draw(st.integers(1, 25))
    parts = draw(st.lists(st.lists(st.integers(0, 3), min_size=K, max_size=K), min_size=N, max_size=N))
    p = np.array(parts, float) + 0.1
    truth = draw(st.lists(st.integers(0, K - 1), min_size=N, max_size=N))
    groups = draw(st.none() | st.lists(st.sampled_from("stuvwxyz"), min_size=N, max_size=N).map(tuple))
    ids = tuple(f"clip{n}" for n in range(N))
    return Predictions(ids, np.array(truth), p / p.sum(axis=1, keepdims=True), tuple("abcdefgh"[:K]), groups)


@settings(deadline=None)
@given(some_predictions())
def test_rows_of_the_confusion_matrix_sum_to_the_clips_of_their_class(p: Predictions) -> None:
    scores = score(p)
    assert [sum(row) for row in scores.confusion] == [c.support for c in scores.classes]
    assert sum(map(sum, scores.confusion)) == scores.clips == len(p)
    assert sum(scores.confusion[k][k] for k in range(len(p.labels))) == scores.correct


@settings(deadline=None)
@given(some_predictions(), st.data())
def test_the_order_of_the_clips_changes_nothing(p: Predictions, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(p))))
    shuffled = Predictions(
        tuple(p.ids[n] for n in order),
        p.truth[order],
        p.probabilities[order],
        p.labels,
        None if p.groups is None else tuple(p.groups[n] for n in order),
    )
    assert score(shuffled) == score(p)


@settings(deadline=None)
@given(some_predictions())
def test_a_class_that_neither_is_nor_is_predicted_changes_no_average(p: Predictions) -> None:
    more = replace(p, labels=(*p.labels, "new"), probabilities=np.pad(p.probabilities, ((0, 0), (0, 1))))
    before, after = score(p), score(more)
    assert after.macro_f1 == before.macro_f1
    assert after.weighted_f1 == before.weighted_f1
    assert after.log_loss == before.log_loss
    assert (after.classes[-1].precision, after.classes[-1].recall, after.classes[-1].f1) == (None, None, None)


@settings(deadline=None)
@given(some_predictions())
def test_scores_are_json_without_nan(p: Predictions) -> None:
    assert json.loads(json.dumps(score(p).to_json(), allow_nan=False))["clips"] == len(p)


@settings(deadline=None)
@given(some_predictions())
def test_groups_share_out_the_clips(p: Predictions) -> None:
    scores = score(p)
    if p.groups is None:
        assert scores.groups == ()
        assert scores.group_kind is None
    else:
        assert sum(g.clips for g in scores.groups) == scores.clips
        assert sum(g.correct for g in scores.groups) == scores.correct
        assert all(g.interval.low <= g.accuracy <= g.interval.high for g in scores.groups)
    assert (scores.accuracy_interval_by_group is None) == (len(scores.groups) < 5)


def test_figures_agree_with_those_computed_by_hand() -> None:
    # a: 2 right, 1 taken for b. b: 1 right, 1 taken for a.
    scores = score(certain([0, 0, 0, 1, 1], [0, 0, 1, 1, 0], K=2, confidence=0.8))
    assert scores.confusion == ((2, 1), (1, 1))
    assert scores.accuracy == 0.6
    assert scores.classes[0].precision == pytest.approx(2 / 3)
    assert scores.classes[0].recall == pytest.approx(2 / 3)
    assert scores.classes[1].f1 == pytest.approx(1 / 2)
    assert [c.support for c in scores.classes] == [3, 2]
    assert scores.macro_f1 == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert scores.weighted_f1 == pytest.approx(0.6 * 2 / 3 + 0.4 / 2)
    assert scores.log_loss == pytest.approx(-0.6 * np.log(0.8) - 0.4 * np.log(0.2))
    assert scores.ece == pytest.approx(0.2)


@pytest.mark.parametrize("K", [2, 3, 101])
def test_figures_agree_with_scikit_learn(K: int) -> None:
    p = predictions(300, tuple(f"class {k}" for k in range(K)))
    scores = score(p)
    assert scores.macro_f1 == pytest.approx(f1_score(p.truth, p.predicted, labels=np.unique(p.truth), average="macro"))
    assert scores.log_loss == pytest.approx(log_loss(p.truth, p.probabilities, labels=np.arange(K)))
    assert len(scores.classes) == len(scores.confusion) == K


def test_a_class_without_clips_takes_from_the_recall_of_others_only() -> None:
    scores = score(certain([0, 0, 1, 1], [0, 2, 1, 1], K=3))
    assert (scores.classes[2].precision, scores.classes[2].recall, scores.classes[2].f1) == (0.0, None, None)
    assert scores.macro_f1 == pytest.approx((2 / 3 + 1) / 2)


def test_a_class_that_is_never_predicted_has_no_precision_and_an_f1_of_0() -> None:
    missed = score(certain([0, 1], [0, 0], K=2)).classes[1]
    assert (missed.precision, missed.recall, missed.f1, missed.support) == (None, 0.0, 0.0, 1)


@pytest.mark.parametrize("right", [True, False])
def test_one_clip_is_enough(right: bool) -> None:
    scores = score(certain([0], [0 if right else 1], K=2))
    assert scores.accuracy == scores.macro_f1 == float(right)
    assert scores.accuracy_interval.high - scores.accuracy_interval.low > 0.7
    assert scores.log_loss == pytest.approx(0 if right else -np.log(np.finfo(float).eps))


def test_top_5_is_left_out_where_it_says_nothing() -> None:
    assert score(certain([0], [0], K=5)).top_5_accuracy is None
    assert score(certain([0], [0], K=6)).top_5_accuracy == 1.0


def test_of_equal_probabilities_the_first_five_are_the_top_5() -> None:
    p = Predictions(tuple("uv"), np.array([4, 5]), np.full((2, 6), 1 / 6), tuple("abcdef"))
    assert score(p).top_5_accuracy == 0.5


def test_the_most_confident_mistakes_come_first_and_equals_by_their_id() -> None:
    p = certain([0] * 30, [1] * 30, K=2, confidence=0.9)
    p.probabilities[7] = [0.01, 0.99]
    mistakes = score(p).mistakes
    assert len(mistakes) == LISTED
    assert [m.id for m in mistakes[:3]] == ["clip7", "clip0", "clip1"]
    assert (mistakes[0].truth, mistakes[0].predicted, mistakes[0].confidence) == ("a", "b", 0.99)


def test_the_most_confused_pairs_come_first_and_of_equals_the_larger_share() -> None:
    scores = score(certain([0, 0, 0, 0, 1, 1, 2], [1, 1, 2, 0, 0, 1, 0]))
    assert [(p.truth, p.predicted, p.count, p.share) for p in scores.confused_pairs] == [
        ("a", "b", 2, 0.5),
        ("c", "a", 1, 1.0),
        ("b", "a", 1, 0.5),
        ("a", "c", 1, 0.25),
    ]


def test_clips_of_no_known_group_are_of_none() -> None:
    p = replace(predictions(60), groups=("",) * 10 + tuple(f"s{n % 6}" for n in range(50)))
    scores = score(p)
    assert [g.group for g in scores.groups] == ["s0", "s1", "s2", "s3", "s4", "s5"]
    assert sum(g.clips for g in scores.groups) == 50
    assert scores.accuracy_interval_by_group is None
    unknown = score(replace(p, groups=("",) * 60))
    assert (unknown.groups, unknown.group_kind) == ((), None)


def test_groups_are_in_the_order_in_which_people_count() -> None:
    p = replace(certain([0] * 4, [0] * 4), groups=("s10", "s9", "s1", "t"))
    assert [g.group for g in score(p).groups] == ["s1", "s9", "s10", "t"]


def test_scores_can_be_written_as_they_are(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("scores") / "metrics.json"
    write_json(path, score(predictions()).to_json())
    assert json.loads(path.read_text())["accuracy_interval"].keys() == {"low", "high"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, ademan.evaluation; print(*{'sklearn', 'matplotlib', 'plotly', 'scipy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
