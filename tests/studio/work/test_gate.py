import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.errors import ConfigError
from ademan.studio.work.gate import Gate, Judged, decide

LABELS = ("circle", "wave")


def judged(circle: tuple[int, int], wave: tuple[int, int]) -> Judged:
    """Counts of circles and of waves, named rightly and wrongly."""
    return Judged(LABELS, ((circle[0], circle[1]), (wave[1], wave[0])))


def test_figures_of_a_confusion_matrix() -> None:
    found = Judged(("a", "b", "c"), ((3, 1, 0), (0, 6, 0), (0, 0, 0)))
    assert (found.clips, found.correct, found.accuracy) == (10, 9, 0.9)
    assert found.recall == {"a": 0.75, "b": 1.0, "c": None}
    assert found.by_guessing == 0.6
    assert Judged.from_json(found.to_json()) == found


def test_a_model_that_is_better_goes_live() -> None:
    decision = decide(Gate(), judged((8, 2), (8, 2)), judged((9, 1), (9, 1)))
    assert decision.verdict == "promoted"
    assert decision.reasons == (
        "18 of 20 clips (90.0%) are right, 16 of 20 clips (80.0%) before; no gesture got worse by too much.",
    )


def test_a_model_that_is_as_good_goes_live_unless_more_is_wanted() -> None:
    same = judged((8, 2), (8, 2))
    assert decide(Gate(), same, same).verdict == "promoted"
    refused = decide(Gate(min_gain=0.05), same, same)
    assert refused.verdict == "refused"
    assert (
        "Not better: 16 of 20 clips (80.0%) are right, 16 of 20 clips (80.0%) before; 5.0% more" in refused.reasons[0]
    )


def test_a_gain_that_is_just_what_is_wanted_is_enough() -> None:
    # 0.85 - 0.8 is a little below 0.05 in floating point.
    assert decide(Gate(min_gain=0.05), judged((8, 2), (8, 2)), judged((8, 2), (9, 1))).verdict == "promoted"
    assert decide(Gate(max_class_loss=0.1), judged((8, 2), (5, 5)), judged((7, 3), (9, 1))).verdict == "promoted"


def test_a_gesture_that_got_worse_holds_a_model_back() -> None:
    refused = decide(Gate(), judged((10, 0), (2, 8)), judged((8, 2), (10, 0)))
    assert refused.verdict == "refused"
    assert refused.reasons == ("'circle' got worse: 80.0% of its clips are right, 100.0% before; 5.0% may be lost.",)
    assert decide(Gate(max_class_loss=0.2), judged((10, 0), (2, 8)), judged((8, 2), (10, 0))).verdict == "promoted"


def test_a_gesture_that_the_old_model_does_not_know_cannot_get_worse() -> None:
    old, new = judged((6, 4), (10, 0)), judged((10, 0), (8, 2))
    assert decide(Gate(), old, new).verdict == "refused"
    assert decide(Gate(), old, new, learnt=("circle",)).verdict == "promoted"


def test_few_test_clips_hold_a_model_back() -> None:
    refused = decide(Gate(min_test_clips=21), judged((5, 5), (5, 5)), judged((10, 0), (10, 0)))
    assert refused.verdict == "refused"
    assert "Judged on 20 test clips only; 21 are wanted." in refused.reasons[0]


def test_all_reasons_are_told() -> None:
    refused = decide(Gate(min_test_clips=50), judged((10, 0), (10, 0)), judged((5, 5), (5, 5)))
    assert [reason.split()[0] for reason in refused.reasons] == ["Judged", "Not", "'circle'", "'wave'"]


def test_a_first_model_goes_live_if_it_does_not_guess() -> None:
    assert decide(Gate(), None, judged((9, 1), (9, 1))).verdict == "promoted"
    guesses = decide(Gate(), None, judged((10, 0), (0, 5)))
    assert guesses.verdict == "candidate"
    assert "guessing gives 66.7%, and 76.7% are wanted" in guesses.reasons[0]


def test_a_first_model_that_is_always_right_goes_live_however_unequal_the_clips_are() -> None:
    assert decide(Gate(first_margin=0.5), None, judged((19, 0), (1, 0))).verdict == "promoted"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"min_gain": 1.5}, "min_gain must be from -1 to 1, found 1.5"),
        ({"max_class_loss": float("nan")}, "max_class_loss must be from 0 to 1, found nan"),
        ({"min_test_clips": 0}, "min_test_clips must be 1 or more, found 0"),
        ({"first_margin": -0.1}, "first_margin must be from 0 to 1, found -0.1"),
    ],
)
def test_a_gate_out_of_range_is_refused(options: dict[str, float], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Gate(**options)  # type: ignore[arg-type]


counts = st.tuples(st.integers(1, 50), st.integers(0, 50))


@given(counts, counts, counts, counts)
def test_what_passes_is_never_worse_than_the_rules_allow(
    a: tuple[int, int], b: tuple[int, int], c: tuple[int, int], d: tuple[int, int]
) -> None:
    gate, old, new = Gate(min_test_clips=1), judged(a, b), judged(c, d)
    decision = decide(gate, old, new)
    assert decision.reasons
    if decision.verdict == "promoted":
        assert new.accuracy >= old.accuracy - 1e-9
        for label in LABELS:
            before, after = old.recall[label], new.recall[label]
            assert before is not None
            assert after is not None
            assert after >= before - gate.max_class_loss - 1e-9
