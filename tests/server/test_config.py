"""A server is not started with settings that contradict themselves."""

import math
from typing import Any

import pytest

from ademan.errors import ConfigError
from ademan.server.config import KEY_VARIABLE, ServeConfig


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"port": -1}, "port must be from 0 to 65535, found -1."),
        ({"port": 65536}, "port must be from 0 to 65535"),
        *[({name: 0}, f"{name} must be above zero and finite, found 0.") for name in ("max_body", "max_fps")],
        *[({name: -1}, f"{name} must be above zero") for name in ("max_video", "max_clients", "timeout", "threads")],
        ({"max_body": math.inf}, "max_body must be above zero and finite, found inf."),
        ({"timeout": math.nan}, "timeout must be above zero and finite, found nan."),
        ({"refresh": -1}, "refresh must be 0 or above and finite, found -1."),
        ({"refresh": math.nan}, "refresh must be 0 or above and finite, found nan."),
        ({"log": "xml"}, "log 'xml' is unknown; choose text or json."),
        ({"tls_cert": "a.pem"}, "--tls-cert and --tls-key belong together"),
        ({"tls_key": "a.pem"}, "--tls-cert and --tls-key belong together"),
        ({"tls_cert": "a", "tls_key": "b", "self_signed": True}, "--self-signed makes a certificate; leave --tls-cert"),
        ({"api_key": ("",)}, "a key must have one or more letters, digits or signs of ASCII, and no space or comma."),
        ({"api_key": ("good", "two words")}, "a key must have"),
        ({"api_key": ("schlüssel",)}, "a key must have"),
        ({"api_key": ("a,b",)}, "a key must have"),
        ({"api_key": ("a\nb",)}, "a key must have"),
        ({"cors": ("https://example.org/",)}, "--cors https://example.org/: expected an origin such as"),
        ({"cors": ("example.org",)}, "--cors example.org: expected an origin such as"),
        ({"cors": ("https://Example.org",)}, "without a path, or * for all."),
        ({"cors": ("null",)}, "--cors null: expected an origin"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        ServeConfig(**given)
    assert told in str(refused.value)


def test_what_can_be_is_taken() -> None:
    ServeConfig(port=0, refresh=0, cors=("*", "https://example.org", "http://10.0.0.7:8080", "http://[::1]:3000"))
    ServeConfig(api_key=("A-key_with.signs!~+/=",), tls_cert="a", tls_key="b")


def test_keys_come_from_the_command_line_and_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ServeConfig().keys == ()
    monkeypatch.setenv(KEY_VARIABLE, " one, two ,,")
    assert ServeConfig(api_key=("zero",)).keys == ("zero", "one", "two")
    monkeypatch.setenv(KEY_VARIABLE, "clé")
    with pytest.raises(ConfigError, match="a key must have"):
        ServeConfig()


def test_keys_are_not_shown_with_the_rest() -> None:
    assert "secret" not in repr(ServeConfig(api_key=("secret",)))


def test_it_is_encrypted_with_a_certificate() -> None:
    assert [ServeConfig().encrypted, ServeConfig(self_signed=True).encrypted] == [False, True]
    assert ServeConfig(tls_cert="a", tls_key="b").encrypted
