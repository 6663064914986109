"""Frames of points are taken at once, in their order; all that is not plainly such a frame goes the long way."""

from typing import Any

import pytest

from ademan.server.shortcut import Shortcut

TEXT = '42/gestures,["points",{"timestamp_ms":5,"points":[]}]'
PACKED = '451-/gestures,["points",{"_placeholder":true,"num":0}]'


class Streams:
    def __init__(self) -> None:
        self.came: list[tuple[str, Any]] = []

    def points(self, sid: str, content: Any) -> None:
        self.came.append((sid, content))

    def refuse(self, sid: str, error: ValueError) -> None:
        self.came.append((sid, type(error).__name__))


@pytest.fixture
def streams() -> Streams:
    return Streams()


def test_points_are_taken_as_text_and_packed(streams: Streams) -> None:
    shortcut = Shortcut(streams, lambda: "s")
    assert [shortcut.takes(message) for message in (TEXT, PACKED, b"12345678", TEXT)] == [True] * 4
    content = {"timestamp_ms": 5, "points": []}
    assert streams.came == [("s", content), ("s", b"12345678"), ("s", content)]


@pytest.mark.parametrize(
    "message",
    [
        "2",
        "42/gestures,7" + TEXT[12:],  # it asks for an answer
        '42/gestures,["start",{}]',
        '42["points",{}]',  # of another namespace
        '42/gestures,["points",]'[:-2] + "]",
        '452-/gestures,["points",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
        '451-/gestures,["points",{"_placeholder":true,"num":1}]',
        b"bytes that nobody announced",
        "",
    ],
)
def test_all_else_goes_the_long_way(streams: Streams, message: str | bytes) -> None:
    assert not Shortcut(streams, lambda: "s").takes(message)
    assert streams.came == []


def test_one_that_has_not_joined_goes_the_long_way(streams: Streams) -> None:
    shortcut = Shortcut(streams, lambda: None)
    assert not shortcut.takes(TEXT)
    assert not shortcut.takes(PACKED)
    assert not shortcut.takes(b"12345678")
    assert streams.came == []


def test_what_is_no_json_is_told(streams: Streams) -> None:
    assert Shortcut(streams, lambda: "s").takes('42/gestures,["points",{"timestamp_ms":NaN}]')
    assert streams.came == [("s", "JSONDecodeError")]


def test_a_text_in_place_of_the_bytes_that_were_announced_is_not_taken_for_them(streams: Streams) -> None:
    shortcut = Shortcut(streams, lambda: "s")
    assert shortcut.takes(PACKED)
    assert not shortcut.takes("2")
    assert not shortcut.takes(b"12345678")
    assert streams.came == []
