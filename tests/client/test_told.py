"""Each event once, and each beginning with its end."""

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from ademan.client.told import Told
from ademan.recognition import Event


def event(kind: Literal["began", "ended"], label: str, time_ms: float) -> Event:
    return Event(kind, label, time_ms, 0.9)


said = st.tuples(st.sampled_from(["began", "ended", "lost"]), st.sampled_from("ab"), st.integers(0, 30))


@given(st.lists(said))
def test_whatever_a_server_says_beginnings_have_ends_and_losses_are_told_once(
    steps: list[tuple[str, str, int]],
) -> None:
    told, heard = Told(), list[Event]()
    for kind, label, time_ms in steps:
        if kind == "lost":
            heard += told.interrupted(1000.0)
            if heard:
                assert told.event(event("began", "a", heard[-1].timestamp_ms)) == []
        elif kind == "began":
            heard += told.event(event("began", label, float(time_ms)))
        else:
            heard += told.event(event("ended", label, float(time_ms)))
    heard += told.interrupted()
    assert [e.kind for e in heard] == ["began", "ended"] * (len(heard) // 2)
    assert [e.label for e in heard[::2]] == [e.label for e in heard[1::2]]
    assert told.gesture is None


def test_what_was_told_before_a_loss_is_not_told_again_and_neither_is_its_end() -> None:
    told = Told()
    assert told.event(event("began", "a", 100)) == [event("began", "a", 100)]
    assert told.gesture == "a"
    assert told.is_new(200)
    assert told.interrupted(500) == [event("ended", "a", 200)]
    assert not told.is_new(200)
    assert told.event(event("began", "a", 150)) == []
    assert told.event(event("ended", "a", 400)) == []
    assert told.event(event("began", "b", 450)) == [event("began", "b", 450)]


def test_a_clock_that_is_set_back_does_not_silence_what_comes() -> None:
    told = Told()
    told.is_new(1e6)
    told.interrupted(newest_ms=50.0)
    assert told.is_new(60.0)
