"""Publishing to the machine's broker."""

import dataclasses
import json
import subprocess
import sys
from typing import Any

import pytest

from ademan.errors import RemoteError
from ademan.publishing import MqttConfig, publisher
from ademan.publishing.mqtt import MqttPublisher
from ademan.publishing.topics import Topics
from tests.publishing.conftest import PORT, Listener, States, began, ended, free_port


def test_a_device_is_online_until_it_goes(home: MqttConfig, listener: Listener, states: States) -> None:
    status = Topics.of(home).status
    with publisher(home, ["wave"], states):
        listener.wait_for(status, "online")
    listener.wait_for(status, "online", "offline")
    late = Listener(PORT, status)
    late.wait_for(status, "offline")
    assert late.heard[0].retained
    late.close()
    assert states.told == []


def test_events_are_json_and_the_gesture_is_what_goes_on(home: MqttConfig, listener: Listener, states: States) -> None:
    topics = Topics.of(home)
    with publisher(home, ["wave", "größer", "idle"], states, idle="idle") as publish:
        publish(began("wave", 40.0))
        publish(ended("wave", 80.0))
        publish(began("größer", 80.0), stream="door")
        listener.wait_for(topics.gesture, "wave", "none", "größer")
    listener.wait_for(topics.gesture, "größer", "none")
    said = [json.loads(payload) for payload in listener.of(topics.event)]
    assert said[0] == {"event": "began", "label": "wave", "time_ms": 40.0, "confidence": 0.9}
    assert [(line["event"], line["label"]) for line in said] == [
        ("began", "wave"),
        ("ended", "wave"),
        ("began", "größer"),
    ]
    assert said[2]["stream"] == "door"
    retained = Listener(PORT, f"{home.mqtt_topic}/#")
    retained.wait(lambda: len(retained.heard) == 2)
    assert {heard.topic for heard in retained.heard} == {topics.status, topics.gesture}
    retained.close()


def test_what_is_published_just_before_the_end_arrives(home: MqttConfig, listener: Listener, states: States) -> None:
    topics = Topics.of(home)
    with publisher(home, ["wave"], states) as publish:
        for i in range(60):  # more than are on their way at a time
            publish(began("wave", i))
            publish(ended("wave", i)) if i < 40 else None
    listener.wait_for(topics.status, "offline")
    assert len(listener.of(topics.event)) == 100
    assert [json.loads(line)["time_ms"] for line in listener.of(topics.event)] == sorted([*range(60), *range(40)])
    assert listener.of(topics.gesture)[-1] == "none"
    assert listener.heard[-1].topic == topics.status
    assert states.told == []


def test_home_assistant_is_told_what_the_device_is(home: MqttConfig, listener: Listener, states: States) -> None:
    topics, prefix = Topics.of(home), home.mqtt_discovery
    with publisher(home, ["wave", "a/b", "a+b", "idle"], states, idle="idle"):
        listener.wait_for(topics.status, "online")
        late = Listener(PORT, f"{prefix}/#")
        late.wait(lambda: len(late.heard) == 5)
        configs: dict[str, Any] = {heard.topic: json.loads(heard.payload) for heard in late.heard}
        late.close()
    assert configs[f"{prefix}/event/{topics.node}/event/config"]["event_types"] == ["wave", "a/b", "a+b"]
    assert configs[f"{prefix}/sensor/{topics.node}/gesture/config"]["state_topic"] == topics.gesture
    triggers = [content for topic, content in configs.items() if "/device_automation/" in topic]
    assert sorted(trigger["subtype"] for trigger in triggers) == ["a+b", "a/b", "wave"]


def test_home_assistant_is_told_again_when_it_starts(home: MqttConfig, listener: Listener, states: States) -> None:
    prefix, topics = home.mqtt_discovery, Topics.of(home)
    topic = f"{prefix}/event/{topics.node}/event/config"
    listener.say(f"{prefix}/status", "online", retain=True)  # before us: no reason to tell twice
    with publisher(home, ["wave"], states):
        listener.wait_for(topics.status, "online")
        assert len(listener.of(topic)) == 1
        listener.say(f"{prefix}/status", "offline")
        listener.say(f"{prefix}/status", "online")
        listener.wait(lambda: len(listener.of(topic)) == 2)
        listener.wait_for(topics.status, "online", "online")


def test_gestures_of_an_earlier_model_are_taken_back(home: MqttConfig, listener: Listener, states: States) -> None:
    base = f"{home.mqtt_discovery}/device_automation/{Topics.of(home).node}"
    with publisher(home, ["wave", "fist"], states):
        listener.wait(lambda: len(listener.of(f"{base}/fist/config")) == 1)
    with publisher(home, ["wave"], states):
        listener.wait_for(f"{base}/fist/config", "")
    listener.wait_for(Topics.of(home).status, "online", "offline", "online", "offline")
    assert all(listener.of(f"{base}/wave/config"))


def test_without_a_prefix_home_assistant_is_told_nothing(home: MqttConfig, listener: Listener, states: States) -> None:
    with publisher(dataclasses.replace(home, mqtt_discovery=""), ["wave"], states):
        listener.wait_for(Topics.of(home).status, "online")
    listener.wait_for(Topics.of(home).status, "offline")
    assert not [heard for heard in listener.heard if heard.topic.startswith("homeassistant/") and "pi" in heard.topic]


def test_without_a_broker_nothing_is_done(states: States) -> None:
    with publisher(MqttConfig(), ["wave"], states) as publish:
        publish(began("wave"), stream="door")
    assert states.told == []


def test_paho_is_imported_only_where_a_broker_is_named() -> None:
    code = (
        "import sys, ademan.cli.live\n"
        "from ademan.publishing import MqttConfig, publisher\n"
        "with publisher(MqttConfig(), ['wave'], print): pass\n"
        "assert 'paho' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_publishing_imports_no_recogniser() -> None:
    code = "import sys, ademan.publishing.mqtt; assert not {'onnxruntime', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_broker_that_is_waited_for_and_is_not_there_is_an_error(states: States) -> None:
    port = free_port()
    on_the_way = publisher(MqttConfig(f"127.0.0.1:{port}"), ["wave"], states, wait_s=0.3)
    with pytest.raises(
        RemoteError, match=f"the broker 127.0.0.1:{port} cannot be reached: Connection refused"
    ) as error:
        on_the_way.__enter__()
    assert "tried again" not in str(error.value)
    assert states.told == []


def test_a_broker_that_is_waited_for_is_there_then(home: MqttConfig, listener: Listener, states: States) -> None:
    with publisher(home, ["wave"], states, wait_s=5.0):
        pass
    listener.wait_for(Topics.of(home).status, "online", "offline")


def test_closing_twice_and_before_the_start_does_no_harm(home: MqttConfig, states: States) -> None:
    mqtt = MqttPublisher(home, ["wave"], states)
    mqtt.close()
    mqtt.close()
    assert states.told == []
