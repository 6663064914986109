"""What a server says is checked, whatever it is."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.client.answers import (
    RemotePrediction,
    ServerStats,
    checked,
    event_of,
    manifest_of,
    name_and_version,
    prediction_of,
    stats_of,
)
from ademan.client.failures import said_by, shortened
from ademan.errors import RemoteError
from ademan.recognition import Event

GOOD = {
    "label": "a",
    "confidence": 0.9,
    "gesture": None,
    "probabilities": {"a": 0.9, "b": 0.1},
    "time_ms": 40.0,
    "bundle": "hands",
    "version": "v1",
}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from([*GOOD, "event", "dropped"]), inner),
)


@given(anything)
def test_nonsense_is_a_remote_error_and_nothing_else(said: Any) -> None:
    readers: list[Callable[[Any], Any]] = [
        prediction_of,
        event_of,
        manifest_of,
        stats_of,
        checked,
        name_and_version,
        said_by,
    ]
    for read in readers:
        try:
            read(said)
        except RemoteError as error:
            assert "\n" not in shortened(error)


@given(st.sampled_from(sorted(GOOD)), anything)
def test_a_prediction_with_one_odd_field_is_read_or_refused(name: str, value: Any) -> None:
    try:
        prediction = prediction_of({**GOOD, name: value})
    except RemoteError as error:
        assert "the server sent what is no ademan server's answer" in str(error)
    else:
        assert prediction.label is None or isinstance(prediction.label, str)
        assert all(np.isfinite(share) for share in prediction.probabilities.values())


def test_a_prediction_is_read() -> None:
    prediction = prediction_of(json.loads(json.dumps(GOOD)))
    assert prediction == RemotePrediction("a", 0.9, {"a": 0.9, "b": 0.1}, None, "hands", "v1", 40.0)
    np.testing.assert_array_equal(prediction.row(["b", "a"]), np.array([0.1, 0.9], np.float32))
    with pytest.raises(RemoteError, match="the server names a, b; expected a, c"):
        prediction.row(["a", "c"])


def test_an_event_is_read() -> None:
    said = {"event": "ended", "label": "a", "time_ms": 1, "confidence": 0.5, "bundle": "hands"}
    assert event_of(said) == Event("ended", "a", 1.0, 0.5)


def test_counts_are_read_and_added() -> None:
    said = {"frames": 3, "predictions": 2, "events": 1, "dropped": {"rate": 1, "busy": 2, "bad": 0, "slow": 4}}
    counts = stats_of(said)
    assert counts == ServerStats(3, 2, 1, 1, 2, 0, 4)
    assert (counts + counts).frames == 6
    assert counts.dropped == 7
    assert stats_of({}) == ServerStats()


def test_a_manifest_of_another_version_is_told() -> None:
    with pytest.raises(RemoteError, match="the server's bundle cannot be used: expected a manifest of format"):
        manifest_of({"format": "ademan-bundle/99"})


def test_an_error_is_told_in_the_servers_words() -> None:
    with pytest.raises(RemoteError, match="the server says: too much"):
        checked({"error": {"code": "busy", "message": "too much"}})


def test_what_others_wrote_is_one_short_printable_line() -> None:
    assert shortened("a\x1b[31m\nb") == "a [31m b"
    assert len(shortened("x" * 1000)) < 310
