"""News reach all who listen: within the process, by Redis across processes, and after Redis was gone."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from ademan.errors import ConfigError
from ademan.studio.news import Heard, News
from tests.studio.own_redis import OwnRedis, own_redis

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture(scope="module")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with own_redis(tmp_path_factory.mktemp("redis")) as found:
        yield found


def until_heard(heard: Heard, say: Callable[[], None], seconds: float = 15) -> frozenset[str]:
    """Say something again and again until it is heard: a subscription begins a moment after it was asked for."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        say()
        if told := heard.wait(0.2):
            return told
    raise AssertionError("nothing is heard")


def test_who_listens_hears_what_is_told_in_the_same_process() -> None:
    news = News()
    with news.listen("models") as all_sets, news.listen("models/3", "logins") as some, news.listen("jobs/1") as other:
        news.tell("models/3")
        news.tell("models/4")
        news.tell("models/3")
        assert all_sets.wait(0) == {"models/3", "models/4"}
        assert all_sets.wait(0) == frozenset()
        assert some.wait(0) == {"models/3"}
        news.tell("logins/12")
        assert some.wait(0) == {"logins/12"}
        assert other.wait(0) == frozenset()


def test_who_listens_no_longer_hears_nothing() -> None:
    news = News()
    heard = news.listen("models")
    heard.close()
    heard.close()
    news.tell("models/1")
    assert heard.wait(0) == frozenset()


def test_waiting_ends_when_something_is_told() -> None:
    news = News()
    with news.listen("jobs") as heard:
        timer = threading.Timer(0.2, news.tell, ["jobs/1"])
        timer.start()
        assert heard.wait(15) == {"jobs/1"}
        timer.join()


def test_an_event_loop_waits_for_news_and_does_other_things_meanwhile() -> None:
    news, ticks = News(), []

    async def tick() -> None:
        while True:
            ticks.append(1)
            await asyncio.sleep(0.01)

    async def run() -> list[frozenset[str]]:
        other = asyncio.create_task(tick())
        with news.listen("jobs") as heard:
            nothing = await heard.next(0.05)
            timer = threading.Timer(0.2, news.tell, ["jobs/1"])
            timer.start()
            later = await heard.next(15)
            timer.join()
            news.tell("jobs/2")
            at_once = await heard.next(15)
        other.cancel()
        return [nothing, later, at_once]

    assert asyncio.run(run()) == [frozenset(), {"jobs/1"}, {"jobs/2"}]
    assert len(ticks) > 5


def test_one_that_was_cancelled_while_it_waited_leaves_nothing_behind() -> None:
    news = News()

    async def run() -> None:
        with news.listen("jobs") as heard:
            waiting = asyncio.create_task(heard.next(15))
            await asyncio.sleep(0.05)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            news.tell("jobs/1")
            assert await heard.next(0) == {"jobs/1"}

    asyncio.run(run())


@pytest.mark.parametrize("topic", ["models", "models/", "models/x", "../3", "models/3 4", "*", ""])
def test_what_is_no_topic_is_refused(topic: str) -> None:
    with pytest.raises(ValueError, match="is no topic; expected a kind and an id"):
        News().tell(topic)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:port/0", "http://127.0.0.1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="that is no address of Redis"):
        News(url)


def test_another_process_hears_by_redis_and_another_studio_does_not(shared_redis: OwnRedis) -> None:
    with (
        closing(News(shared_redis.url, "one")) as telling,
        closing(News(shared_redis.url, "one")) as other,
        closing(News(shared_redis.url, "two")) as stranger,
        other.listen("models") as heard,
        stranger.listen("models") as unheard,
    ):
        assert until_heard(unheard, lambda: stranger.tell("models/9")) == {"models/9"}
        assert until_heard(heard, lambda: telling.tell("models/3")) == {"models/3"}
        assert unheard.wait(0.3) == frozenset()


def test_what_one_tells_itself_comes_once(shared_redis: OwnRedis) -> None:
    with (
        closing(News(shared_redis.url, "self")) as news,
        closing(News(shared_redis.url, "self")) as other,
        news.listen("models") as heard,
    ):
        until_heard(heard, lambda: other.tell("models/1"))  # so it is subscribed
        while heard.wait(0.3):
            pass
        news.tell("models/2")
        assert heard.wait(15) == {"models/2"}
        assert heard.wait(0.5) == frozenset()


def test_garbage_in_the_channel_is_passed_over(shared_redis: OwnRedis) -> None:
    garbage = (b"", b"\xff\xfe\x00", b"a " + b"x" * 10_000, b"a models/../../etc", b"models/5", b"a b c d")
    with (
        closing(News(shared_redis.url, "own")) as news,
        closing(News(shared_redis.url, "own")) as other,
        redis.Redis.from_url(shared_redis.url) as client,
        news.listen("models") as heard,
    ):
        until_heard(heard, lambda: other.tell("models/1"))
        for part in garbage:
            assert client.publish("own:news", part) == 1
        other.tell("models/7")
        end_s, told = time.monotonic() + 15, frozenset[str]()
        while "models/7" not in told:
            assert time.monotonic() < end_s
            told |= heard.wait(0.2)
        assert told <= {"models/1", "models/7"}


def test_what_is_told_last_is_sent_before_the_end(shared_redis: OwnRedis) -> None:
    with closing(News(shared_redis.url, "last")) as other, other.listen("models") as heard:
        with closing(News(shared_redis.url, "last")) as first:
            until_heard(heard, lambda: first.tell("models/1"))
        while heard.wait(0.3):
            pass
        with closing(News(shared_redis.url, "last")) as short:
            short.tell("models/2")
        assert heard.wait(15) == {"models/2"}


def test_without_redis_nothing_waits_and_nothing_fails_and_it_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), closing(News(NOBODY, "away")) as news, news.listen("models") as heard:
        started_s = time.monotonic()
        for number in range(2000):  # more than are kept
            news.tell(f"models/{number}")
        assert time.monotonic() - started_s < 5
        assert len(heard.wait(0)) == 2000
        end_s = time.monotonic() + 15
        while len(caplog.records) < 2:  # one of the telling, one of the hearing
            assert time.monotonic() < end_s
            time.sleep(0.05)
        time.sleep(1.5)  # more tries, and no more words
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "no news between processes for now, each looks every few seconds"
    ] * 2


def test_after_redis_was_killed_news_come_again_and_who_listens_looks_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        own_redis(tmp_path) as server,
        caplog.at_level(logging.INFO),
        closing(News(server.url, "one")) as telling,
        closing(News(server.url, "one")) as other,
        other.listen("models", "jobs/7") as heard,
    ):
        until_heard(heard, lambda: telling.tell("models/3"))
        while heard.wait(0.3):
            pass
        server.kill()
        telling.tell("models/4")  # while it is gone
        telling.tell("models/5")
        assert heard.wait(0.5) == frozenset()
        server.start()
        assert heard.wait(60) == {"models", "jobs/7"}  # it may have missed something of each
        while heard.wait(1.0):
            pass
        assert until_heard(heard, lambda: telling.tell("models/6"), 60) == {"models/6"}
    assert "news between processes go through Redis again" in caplog.text
