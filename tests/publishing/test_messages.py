"""The one JSON form of events and predictions."""

import json

import pytest

from ademan.publishing import as_line, event_json, prediction_json
from ademan.recognition import Event


def test_an_event_has_four_fields_and_those_that_are_added() -> None:
    event = Event("began", "wave", 5230.04, 0.912345)
    assert as_line(event_json(event)) == '{"event": "began", "label": "wave", "time_ms": 5230.0, "confidence": 0.9123}'
    assert event_json(event, stream="door")["stream"] == "door"


def test_a_prediction_names_each_label() -> None:
    said = prediction_json(("wave", "größer"), [0.25, 0.75], 40.02, latency_ms=3.5)
    assert said == {"time_ms": 40.0, "probabilities": {"wave": 0.25, "größer": 0.75}, "latency_ms": 3.5}
    assert json.loads(as_line(said)) == said
    assert "größer" in as_line(said)
    with pytest.raises(ValueError, match="shorter"):
        prediction_json(("wave",), [], 0.0)
