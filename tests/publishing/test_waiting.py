"""Events that wait: never many, never old, and none lost without being counted."""

from hypothesis import given
from hypothesis import strategies as st

from ademan.publishing.waiting import Message, Waiting


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@given(st.lists(st.sampled_from(["put", "take", "back", "later", "told"]), max_size=60))
def test_what_comes_in_goes_out_in_order_or_is_counted(steps: list[str]) -> None:
    clock = Clock()
    waiting = Waiting(3, 5.0, clock)
    put, told, taken, out = 0, 0, list[Message](), list[Message]()
    for step in steps:
        if step == "put":
            waiting.put(str(put), "none")
            put += 1
        elif step == "later":
            clock.now_s += 2.0
        elif step == "told":
            told += waiting.take_dropped()
        elif step == "back":
            waiting.put_back(out)
            taken = taken[: len(taken) - len(out)]
            out = []
        elif message := waiting.take():
            assert clock.now_s - message.since_s <= 5.0
            taken.append(message)
            out.append(message)
        assert len(waiting) <= 3
        assert put == len(taken) + len(waiting) + waiting.dropped + told
    numbers = [int(message.line) for message in taken]
    assert numbers == sorted(set(numbers))


def test_the_oldest_are_dropped_first() -> None:
    waiting = Waiting(2, 5.0)
    for line in "abc":
        waiting.put(line, "none")
    assert waiting.dropped == 1
    assert [message.line for message in (waiting.take(), waiting.take()) if message] == ["b", "c"]
    assert waiting.take() is None
