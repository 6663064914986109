"""What Home Assistant is told, so that the device appears by itself.

One message an entity, at PREFIX/COMPONENT/NODE/OBJECT/config, as
https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery describes it:

- an event entity, whose types are the labels: it fires when a gesture begins;
- a sensor with the label that goes on;
- a device trigger for each label, for automations made by clicking.
"""

from collections.abc import Sequence

from ademan import __version__
from ademan.publishing.topics import Topics, slug

ONLINE, OFFLINE, NONE = "online", "offline", "none"
_FIRED = "{{ {'event_type': value_json.label, 'confidence': value_json.confidence} | tojson if %s else '' }}"
_LABEL = "{{ value_json.label if %s else '' }}"
_BEGAN = "value_json.event == 'began'"  # to an end nothing is rendered, which Home Assistant passes over


def discovery(prefix: str, device: str, topics: Topics, labels: Sequence[str]) -> dict[str, dict[str, object]]:
    """Return the config messages by their topics.

    Args:
        prefix: of Home Assistant's discovery.
        device: its name, for people.
        topics: of the device.
        labels: of the gestures.
    """
    entity = {**_origin(device, topics), **_availability(topics), "qos": 1, "icon": "mdi:hand-wave"}
    event = {
        "name": "Gesture",
        "unique_id": f"{topics.node}_event",
        "state_topic": topics.event,
        "event_types": list(labels),
        "value_template": _FIRED % _BEGAN,
    }
    sensor = {
        "name": "Present gesture",
        "unique_id": f"{topics.node}_gesture",
        "state_topic": topics.gesture,
        "device_class": "enum",
        "options": list(dict.fromkeys([NONE, *labels])),
    }
    triggers = {_trigger_topic(prefix, topics, slug(label)): _trigger(label, device, topics) for label in labels}
    return {
        f"{prefix}/event/{topics.node}/event/config": {**event, **entity},
        f"{prefix}/sensor/{topics.node}/gesture/config": {**sensor, **entity},
        **triggers,
    }


def triggers_of(prefix: str, topics: Topics) -> str:
    """Return the filter for this device's triggers, those of an earlier model among them."""
    return _trigger_topic(prefix, topics, "+")


def _trigger_topic(prefix: str, topics: Topics, name: str) -> str:
    return f"{prefix}/device_automation/{topics.node}/{name}/config"


def _trigger(label: str, device: str, topics: Topics) -> dict[str, object]:
    return {
        "automation_type": "trigger",
        "type": "began",
        "subtype": label,
        "topic": topics.event,
        "payload": label,
        "value_template": _LABEL % _BEGAN,
        "qos": 1,
        **_origin(device, topics),
    }


def _availability(topics: Topics) -> dict[str, object]:
    return {"availability_topic": topics.status, "payload_available": ONLINE, "payload_not_available": OFFLINE}


def _origin(device: str, topics: Topics) -> dict[str, object]:
    return {
        "device": {
            "identifiers": [topics.node],
            "name": device,
            "manufacturer": "Ademan",
            "model": "Gesture recognition",
            "sw_version": __version__,
        },
        "origin": {"name": "Ademan", "sw_version": __version__},
    }
