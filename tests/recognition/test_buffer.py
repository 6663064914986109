"""The frames of a stream in one piece of memory."""

from collections import deque

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ademan.recognition.buffer import FrameBuffer


@given(st.lists(st.tuples(st.floats(0.5, 50), st.floats(10, 3000)), min_size=1, max_size=400))
def test_it_holds_what_a_queue_would(steps: list[tuple[float, float]]) -> None:
    buffer, queue = FrameBuffer((2, 3)), deque[tuple[float, int]]()
    now_ms = 0.0
    for i, (step_ms, kept_ms) in enumerate(steps):
        now_ms += step_ms
        buffer.append(np.full((2, 3), i, np.float32), now_ms)
        queue.append((now_ms, i))
        buffer.forget_before(now_ms - kept_ms)
        while len(queue) > 2 and queue[1][0] < now_ms - kept_ms:
            queue.popleft()
        assert buffer.times_ms.tolist() == [time for time, _ in queue]
        assert buffer.points[:, 1, 2].tolist() == [number for _, number in queue]


def test_its_memory_is_bounded_by_what_it_holds() -> None:
    buffer = FrameBuffer((42, 3))
    for i in range(10_000):
        buffer.append(np.zeros((42, 3), np.float32), float(i))
        buffer.forget_before(i - 50.0)
    assert len(buffer._times) == 64 * 2
