"""Which broker, as whom, and under which topics."""

import dataclasses

import pytest

from ademan.errors import ConfigError
from ademan.publishing import MqttConfig
from ademan.publishing.config import Address


@pytest.fixture(autouse=True)
def no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADEMAN_MQTT_PASSWORD", raising=False)


@pytest.mark.parametrize(
    ("broker", "host", "port", "tls", "user", "password"),
    [
        ("pi", "pi", 1883, False, "", ""),
        ("pi.local:1900", "pi.local", 1900, False, "", ""),
        ("mqtt://pi", "pi", 1883, False, "", ""),
        ("MQTT://pi/", "pi", 1883, False, "", ""),
        ("mqtts://pi", "pi", 8883, True, "", ""),
        ("mqtts://pi:1", "pi", 1, True, "", ""),
        ("[::1]:1884", "::1", 1884, False, "", ""),
        ("mqtt://ann:s3cret@pi:1900", "pi", 1900, False, "ann", "s3cret"),
        ("ann:s3cret@pi", "pi", 1883, False, "ann", "s3cret"),
        ("mqtts://ann%40home:p%2Fw%23@pi", "pi", 8883, True, "ann@home", "p/w#"),
    ],
)
def test_a_broker_is_a_host_a_port_and_perhaps_a_user(
    broker: str, host: str, port: int, tls: bool, user: str, password: str
) -> None:
    assert Address.of(MqttConfig(broker)) == Address(host, port, tls, user, password)


@pytest.mark.parametrize(
    ("broker", "told"),
    [
        ("http://pi", "--mqtt http://pi: the scheme must be mqtt or mqtts; expected HOST, HOST:PORT"),
        ("ws://ann:s3cret@pi", "--mqtt pi: the scheme must be mqtt or mqtts"),
        ("pi:0", "--mqtt pi: the port must be a number from 1 to 65535"),
        ("pi:65536", "--mqtt pi: the port must be a number from 1 to 65535"),
        ("pi:s3cret", "--mqtt pi: the port must be a number from 1 to 65535"),
        ("mqtt://ann:s3cret", "--mqtt ann: the port must be a number from 1 to 65535"),
        ("mqtt://[::1", "the port must be a number from 1 to 65535"),
        ("mqtt://", "this is no broker; expected HOST"),
        ("mqtt://ann:s3cret@", "this is no broker; expected HOST"),
        ("my pi", "--mqtt my pi: this is no broker"),
        ("pi/topic", "--mqtt pi/topic: this is no broker"),
        ("pi..local", "--mqtt pi..local: this is no broker"),
        ("::1", "the port must be a number"),
        ("ann:s3cret/@pi", "--mqtt pi: "),
    ],
)
def test_what_is_no_broker_is_refused_without_telling_the_password(broker: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        MqttConfig(broker)
    assert told in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_flags_go_before_the_address_and_that_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    def who(**options: str) -> tuple[str, str]:
        address = Address.of(MqttConfig(**options))  # type: ignore[arg-type]
        return address.user, address.password

    monkeypatch.setenv("ADEMAN_MQTT_PASSWORD", "environment's")
    assert who(mqtt="ann:address's@pi", mqtt_user="bob", mqtt_password="flag's") == ("bob", "flag's")  # noqa: S106
    assert who(mqtt="ann:address's@pi") == ("ann", "address's")
    assert who(mqtt="ann@pi") == ("ann", "environment's")
    assert who(mqtt="pi", mqtt_user="ann") == ("ann", "environment's")
    assert who(mqtt="pi") == ("", "")  # nobody whose password it would be


def test_tls_may_be_asked_for_by_a_flag() -> None:
    assert Address.of(MqttConfig("pi", mqtt_tls=True)) == Address.of(MqttConfig("mqtts://pi"))


def test_a_password_is_in_no_text_about_the_config() -> None:
    config = MqttConfig("mqtt://ann:s3cret@pi", mqtt_password="s3cret")  # noqa: S106
    for thing in (config, Address.of(config), [config], dataclasses.replace(config, mqtt_name="x")):
        assert "s3cret" not in f"{thing} {thing!r}"
    assert str(Address.of(config)) == "pi:1883"
    assert str(Address.of(MqttConfig("[::1]"))) == "[::1]:1883"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mqtt": "pi", "mqtt_password": "s3cret"}, "a password for the broker needs a user: add --mqtt-user NAME"),
        ({"mqtt": "pi", "mqtt_user": "a\0"}, "must be text in UTF-8, without NUL"),
        ({"mqtt": "pi", "mqtt_user": "a", "mqtt_password": "\udc80"}, "must be text in UTF-8, without NUL"),
        ({"mqtt_user": "ann"}, "need a broker: add --mqtt HOST"),
        ({"mqtt_tls": True}, "need a broker: add --mqtt HOST"),
        ({"mqtt_topic": ""}, "--mqtt-topic '' is no topic: expected words with / between them"),
        ({"mqtt_topic": "a/#"}, "--mqtt-topic 'a/#' is no topic"),
        ({"mqtt_topic": "a/"}, "--mqtt-topic 'a/' is no topic"),
        ({"mqtt_topic": "/a"}, "--mqtt-topic '/a' is no topic"),
        ({"mqtt_topic": "$SYS/a"}, "--mqtt-topic '$SYS/a' is no topic"),
        ({"mqtt_discovery": "a b"}, "--mqtt-discovery 'a b' is no topic"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        MqttConfig(**options)  # type: ignore[arg-type]
    assert told in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_device_has_the_name_of_its_machine_unless_it_has_one_of_its_own() -> None:
    assert MqttConfig("pi", mqtt_name="Küche 1").device == "Küche 1"
    assert MqttConfig("pi").device
    assert "." not in MqttConfig("pi").device
