"""Windows of many clients in one call of the network: each gets its own answer, and none waits for a batch to fill."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import requests

from ademan.bundle import Manifest
from ademan.clip import Points
from ademan.recognition import Classifier
from ademan.recognition.classifier import Probabilities
from ademan.server.batching import LARGEST, MOST_WAITING, Batcher
from ademan.server.config import ServeConfig
from ademan.server.errors import ApiError
from tests.server.conftest import Serve, wait_for

Rng = np.random.Generator


class Network:
    """A network whose answer is the first number of a window, and which works as long as it is told to."""

    def __init__(self, *, held: bool = False) -> None:
        self.batches: list[list[float]] = []
        self.began, self.may_end = threading.Event(), threading.Event()
        self.faults: set[float] = set()
        self.pause_s = 0.0
        if not held:
            self.may_end.set()

    @property
    def manifest(self) -> Manifest:
        raise NotImplementedError

    def probabilities(self, windows: Points) -> Probabilities:
        found = windows[:, 0, 0, 0].tolist()
        self.batches.append(found)
        self.began.set()
        assert self.may_end.wait(10)
        time.sleep(self.pause_s)
        if self.faults & set(found):
            raise ZeroDivisionError("the network")
        return np.array([[number, 1 - number] for number in found], np.float32)


def window(number: float, frames: int = 3) -> Points:
    return np.full((frames, 4, 2), number, np.float32)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def guarded() -> None:
        async with asyncio.timeout(15):
            await work()

    asyncio.run(guarded())


async def begun(network: Network) -> None:
    assert await asyncio.to_thread(network.began.wait, 5)


def test_one_that_finds_the_network_idle_goes_in_at_once_and_alone(executor: ThreadPoolExecutor) -> None:
    async def work() -> None:
        network, sizes = Network(), list[int]()
        batcher = Batcher(network, executor, sizes.append)
        for number in (0.25, 0.5, 0.75):
            answer = batcher.submit(window(number))
            assert network.began.wait(5)  # before anything else can happen in the loop
            network.began.clear()
            np.testing.assert_array_equal(await answer, [number, 1 - number])
        assert network.batches == [[0.25], [0.5], [0.75]]
        assert sizes == [1, 1, 1]

    run(work)


def test_what_comes_while_it_is_busy_goes_in_together_in_its_order(executor: ThreadPoolExecutor) -> None:
    async def work() -> None:
        network, sizes = Network(held=True), list[int]()
        batcher = Batcher(network, executor, sizes.append)
        numbers = [i / 128 for i in range(1 + LARGEST + 5)]
        answers = [batcher.submit(window(numbers[0]))]
        await begun(network)
        answers += [batcher.submit(window(number, frames=1 + i % 7)) for i, number in enumerate(numbers[1:])]
        assert network.batches == [numbers[:1]]
        network.may_end.set()
        found = await asyncio.gather(*answers)
        assert [float(row[0]) for row in found] == numbers
        assert sizes == [1, LARGEST, 5]

    run(work)


def test_under_load_each_gets_what_it_would_get_alone(
    small_bundle: Path, rng: Rng, executor: ThreadPoolExecutor
) -> None:
    classifier = Classifier(small_bundle)
    windows = [rng.uniform(0, 1, (T, 42, 2)).astype(np.float32) for T in rng.integers(1, 21, 300)]
    for one in windows[::7]:
        one[rng.uniform(size=one.shape[:2]) < 0.3] = np.nan
    alone = [classifier.probabilities(one[None])[0] for one in windows]

    async def client(batcher: Batcher, mine: range) -> None:
        for i in mine:
            np.testing.assert_allclose(await batcher.submit(windows[i]), alone[i], atol=1e-5)

    async def work() -> None:
        sizes = list[int]()
        batcher = Batcher(classifier, executor, sizes.append)
        await asyncio.gather(*(client(batcher, range(i, 300, 30)) for i in range(30)))
        assert sum(sizes) == 300
        assert max(sizes) > 8

    run(work)


def test_several_at_once_are_answered_in_their_order(executor: ThreadPoolExecutor) -> None:
    async def work() -> None:
        batcher = Batcher(Network(), executor)
        found = await batcher.name([window(0.5), None, window(0.25), None])
        assert [None if row is None else float(row[0]) for row in found] == [0.5, None, 0.25, None]
        assert await batcher.name([None]) == [None]
        assert await batcher.name([]) == []

    run(work)


def test_a_fault_of_the_network_reaches_its_batch_and_no_other(executor: ThreadPoolExecutor) -> None:
    async def work() -> None:
        network = Network(held=True)
        network.faults = {0.5}
        batcher = Batcher(network, executor)
        before = batcher.submit(window(0.25))
        await begun(network)
        together = [batcher.submit(window(number)) for number in (0.5, 0.75)]
        network.may_end.set()
        assert float((await before)[0]) == 0.25
        for answer in together:
            with pytest.raises(ZeroDivisionError, match="the network"):
                await answer
        assert float((await batcher.submit(window(0.75)))[0]) == 0.75

    run(work)


def test_a_fault_among_several_is_told_once_and_the_others_are_let_go(executor: ThreadPoolExecutor) -> None:
    async def work() -> None:
        network = Network()
        network.faults, network.pause_s = {0.0}, 0.02
        batcher = Batcher(network, executor)
        with pytest.raises(ZeroDivisionError):
            await batcher.name([window(i / 128) for i in range(100)])
        assert float((await batcher.submit(window(0.75)))[0]) == 0.75
        assert sum(map(len, network.batches)) < 100

    run(work)


def test_those_whose_clients_have_gone_are_passed_over(executor: ThreadPoolExecutor) -> None:
    async def work() -> None:
        network = Network(held=True)
        batcher = Batcher(network, executor)
        first, gone, stays = (batcher.submit(window(number)) for number in (0.25, 0.5, 0.75))
        await begun(network)
        gone.cancel()
        first.cancel()  # while the network is at it
        network.may_end.set()
        assert float((await stays)[0]) == 0.75
        assert network.batches == [[0.25], [0.75]]
        assert first.cancelled()

    run(work)


def test_if_all_have_gone_the_next_one_still_gets_its_turn(executor: ThreadPoolExecutor) -> None:
    async def work() -> None:
        network = Network(held=True)
        batcher = Batcher(network, executor)
        for answer in [batcher.submit(window(number)) for number in (0.25, 0.5)]:
            answer.cancel()
        network.may_end.set()
        await begun(network)
        assert float((await batcher.submit(window(0.75)))[0]) == 0.75

    run(work)


def test_with_too_many_it_is_busy_and_recovers(executor: ThreadPoolExecutor) -> None:
    async def work() -> None:
        network = Network(held=True)
        batcher = Batcher(network, executor)
        answers = [batcher.submit(window(0.5)) for _ in range(MOST_WAITING + 1)]
        with pytest.raises(ApiError, match="1024 windows wait for the network already; come again in a second") as told:
            batcher.submit(window(0.5))
        assert (told.value.code, told.value.status, told.value.headers) == ("busy", 503, {"Retry-After": "1"})
        with pytest.raises(ApiError, match="1024 windows wait"):
            await batcher.name([window(0.5), window(0.5)])
        network.may_end.set()
        await asyncio.gather(*answers)
        assert float((await batcher.submit(window(0.75)))[0]) == 0.75

    run(work)


def test_when_the_server_stops_nobody_waits_for_ever(executor: ThreadPoolExecutor) -> None:
    async def work() -> None:
        network = Network(held=True)
        batcher = Batcher(network, executor)
        answers = [batcher.submit(window(0.5)) for _ in range(3)]
        await begun(network)
        executor.shutdown(wait=False, cancel_futures=True)
        network.may_end.set()
        assert float((await answers[0])[0]) == 0.5
        for answer in [*answers[1:], batcher.submit(window(0.5))]:
            with pytest.raises(asyncio.CancelledError):
                await answer

    run(work)


def test_work_that_is_dropped_is_told(executor: ThreadPoolExecutor) -> None:
    """Another batcher of the same executor had its turn, and the server stops."""

    async def work() -> None:
        network = Network(held=True)
        busy, waiting = Batcher(network, executor).submit(window(0.5)), Batcher(network, executor).submit(window(0.5))
        await begun(network)
        executor.shutdown(wait=False, cancel_futures=True)
        network.may_end.set()
        await busy
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(work)


def test_a_loop_that_has_ended_is_not_told(executor: ThreadPoolExecutor) -> None:
    network = Network(held=True)

    async def work() -> None:
        Batcher(network, executor).submit(window(0.5))
        await begun(network)

    run(work)
    network.may_end.set()
    executor.submit(lambda: None).result(5)  # nothing was raised in the thread


# The same over HTTP


FRAME = {"sequence": [[0.5] * 84]}


class Lying(Network):
    """One for the bundle of three classes."""

    def probabilities(self, windows: Points) -> Probabilities:
        super().probabilities(windows)
        return np.tile(np.array([0.5, 0.25, 0.25], np.float32), (len(windows), 1))


def test_over_http_a_fault_is_500_and_the_next_one_works(serve: Serve) -> None:
    running = serve(config=ServeConfig(port=0, refresh=0))
    network = Lying()
    network.faults = {0.5}
    running.parts.shelf.get().batcher._classifier = network
    answer = requests.post(f"{running.url}/predict", json=FRAME, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "failed")
    network.faults = set()
    assert requests.post(f"{running.url}/predict", json=FRAME, timeout=10).json()["confidence"] == 0.5


def test_over_http_too_many_are_told_to_come_again(serve: Serve) -> None:
    running = serve(config=ServeConfig(port=0, refresh=0))
    network = Lying(held=True)
    running.parts.shelf.get().batcher._classifier = network
    statuses: list[int] = []

    def ask() -> None:
        many = {"sequences": [FRAME["sequence"]] * 256}
        statuses.append(requests.post(f"{running.url}/predict", json=many, timeout=20).status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    waiting = running.parts.shelf.get().batcher._waiting
    wait_for(lambda: len(waiting) > MOST_WAITING - LARGEST - 1)
    answer = requests.post(f"{running.url}/predict", json={"sequences": [FRAME["sequence"]] * 50}, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"], answer.headers["Retry-After"]) == (503, "busy", "1")
    network.may_end.set()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
    assert requests.post(f"{running.url}/predict", json=FRAME, timeout=10).ok
    assert sum(map(len, network.batches)) <= 4 * 256 + 1 + LARGEST  # what was refused was not worked at
