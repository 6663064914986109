import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.evaluation.intervals import MIN_GROUPS, cluster_bootstrap, wilson


@pytest.mark.parametrize(
    ("correct", "clips", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (1, 1, 0.2065, 1.0),
        (77, 176, 0.3663, 0.5113),
    ],
)
def test_wilson_agrees_with_values_computed_by_hand(correct: int, clips: int, low: float, high: float) -> None:
    interval = wilson(correct, clips)
    assert interval.low == pytest.approx(low, abs=1e-4)
    assert interval.high == pytest.approx(high, abs=1e-4)


@given(st.integers(1, 10_000), st.data())
def test_wilson_holds_the_share_itself_and_stays_between_0_and_1(clips: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, clips))
    interval = wilson(correct, clips)
    assert 0 <= interval.low <= correct / clips <= interval.high <= 1


@given(st.integers(1, 500), st.data())
def test_wilson_of_mistakes_is_the_mirror_image_of_wilson_of_hits(clips: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, clips))
    hits, mistakes = wilson(correct, clips), wilson(clips - correct, clips)
    assert hits.low == pytest.approx(1 - mistakes.high, abs=1e-12)


def test_too_few_groups_have_no_interval() -> None:
    assert cluster_bootstrap([1] * (MIN_GROUPS - 1), [2] * (MIN_GROUPS - 1)) is None
    assert cluster_bootstrap([1] * MIN_GROUPS, [2] * MIN_GROUPS) is not None


def test_the_same_groups_have_the_same_interval_each_time() -> None:
    assert cluster_bootstrap([3, 5, 2, 4, 1], [5] * 5) == cluster_bootstrap([3, 5, 2, 4, 1], [5] * 5)


def test_groups_of_equal_size_have_the_interval_of_a_mean(rng: np.random.Generator) -> None:
    correct = rng.integers(0, 21, 60)
    interval = cluster_bootstrap(correct.tolist(), [20] * 60)
    reach = 1.96 * (correct / 20).std() / np.sqrt(60)
    assert interval is not None
    assert interval.low == pytest.approx(correct.mean() / 20 - reach, abs=0.01)
    assert interval.high == pytest.approx(correct.mean() / 20 + reach, abs=0.01)


def test_people_who_differ_widen_the_interval() -> None:
    correct, clips = [20, 0] * 5, [20] * 10
    by_group, by_clip = cluster_bootstrap(correct, clips), wilson(sum(correct), sum(clips))
    assert by_group is not None
    assert by_group.high - by_group.low > 2 * (by_clip.high - by_clip.low)
