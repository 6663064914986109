"""What Home Assistant is told."""

import json
import re
from typing import Any

import pytest

from ademan.publishing import MqttConfig, as_line, event_json
from ademan.publishing.discovery import discovery, triggers_of
from ademan.publishing.topics import Topics
from tests.publishing.conftest import began, ended

LABELS = ("wave", "swipe left", "swipe_left", "größer", 'it\'s "so"')
TOPICS = Topics.of(MqttConfig("pi", mqtt_name="Küche"))
CONFIGS: dict[str, Any] = discovery("homeassistant", "Küche", TOPICS, LABELS)
ALLOWED = re.compile(r"homeassistant/(event|sensor|device_automation)/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config")


def config(kind: str) -> Any:
    return next(content for topic, content in CONFIGS.items() if topic.split("/")[1] == kind)


def rendered(template: str, payload: str) -> str:
    """Render a template as Home Assistant does; its own engine is Jinja too, and strips the outcome."""
    jinja2 = pytest.importorskip("jinja2")
    text: str = jinja2.Environment(autoescape=False).from_string(template).render(value_json=json.loads(payload))
    return text.strip()


def test_there_is_an_event_a_sensor_and_a_trigger_for_each_gesture() -> None:
    assert all(ALLOWED.fullmatch(topic) for topic in CONFIGS)
    kinds = [topic.split("/")[1] for topic in CONFIGS]
    assert kinds == ["event", "sensor"] + ["device_automation"] * len(LABELS)


def test_all_belong_to_one_device() -> None:
    devices = [content["device"] for content in CONFIGS.values()]
    assert all(device == devices[0] for device in devices)
    assert devices[0]["name"] == "Küche"
    assert devices[0]["identifiers"] == [TOPICS.node]
    assert all(content["origin"]["name"] == "Ademan" for content in CONFIGS.values())


def test_entities_have_ids_of_their_own_and_are_away_when_the_device_is() -> None:
    entities = [config("event"), config("sensor")]
    assert len({entity["unique_id"] for entity in entities}) == 2
    for entity in entities:
        assert entity["unique_id"].startswith(TOPICS.node)
        assert entity["availability_topic"] == TOPICS.status
        assert (entity["payload_available"], entity["payload_not_available"]) == ("online", "offline")


def test_the_event_entity_fires_when_a_gesture_begins_and_not_when_it_ends() -> None:
    entity = config("event")
    assert entity["event_types"] == list(LABELS)
    assert entity["state_topic"] == TOPICS.event
    for label in LABELS:
        fired = json.loads(rendered(entity["value_template"], as_line(event_json(began(label)))))
        assert fired == {"event_type": label, "confidence": 0.9}
        assert rendered(entity["value_template"], as_line(event_json(ended(label)))) == ""


def test_the_sensor_has_the_gesture_that_goes_on() -> None:
    sensor = config("sensor")
    assert sensor["state_topic"] == TOPICS.gesture
    assert sensor["device_class"] == "enum"
    assert sensor["options"] == ["none", *LABELS]
    named_none: Any = discovery("ha", "d", TOPICS, ["none", "wave"])
    assert named_none[f"ha/sensor/{TOPICS.node}/gesture/config"]["options"] == ["none", "wave"]


def test_a_trigger_fires_for_its_gesture_only() -> None:
    triggers = [content for topic, content in CONFIGS.items() if "/device_automation/" in topic]
    assert [trigger["subtype"] for trigger in triggers] == list(LABELS)
    for trigger in triggers:
        assert trigger["automation_type"] == "trigger"
        assert trigger["type"] == "began"
        assert trigger["topic"] == TOPICS.event
        for label in LABELS:
            said = rendered(trigger["value_template"], as_line(event_json(began(label))))
            assert (said == trigger["payload"]) == (label == trigger["subtype"])
            assert rendered(trigger["value_template"], as_line(event_json(ended(label)))) != trigger["payload"]


def test_the_filter_of_triggers_finds_those_of_this_device() -> None:
    pattern = re.compile(triggers_of("homeassistant", TOPICS).replace("+", "[^/]+"))
    assert sum(bool(pattern.fullmatch(topic)) for topic in CONFIGS) == len(LABELS)
