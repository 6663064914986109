"""Addresses of servers, and what is none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.client.address import Address
from ademan.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "'' is no address of a server: expected http:// or https://, then a name"),
        ("ftp://pi", "'ftp://pi' is no address of a server"),
        ("pi.local:8000", "Did you mean http://pi.local:8000?"),
        ("http://", "'http://' is no address"),
        ("http://:8000", "'http://:8000' is no address"),
        ("http://pi:99999", "Port out of range"),
        ("http://pi:0", "is no address"),
        ("http://[::1", "is no address of a server: Invalid IPv6 URL"),
        ("http://ann:secret@pi", "the address of pi holds a user or a password; a server asks for a key"),
        ("http://pi/?key=1", "nothing may follow a ? or # in it"),
    ],
)
def test_what_is_no_address_is_refused(url: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Address(url)
    assert told in str(refused.value)
    assert "secret" not in str(refused.value)


@given(st.text())
def test_any_text_is_an_address_or_a_mistake(text: str) -> None:
    try:
        address = Address(text)
    except ConfigError:
        return
    assert address.url.startswith(("http://", "https://", "HTTP", "Http"))


def test_a_path_is_that_of_a_proxy() -> None:
    address = Address("https://example.org/home/gestures/")
    assert (address.url, address.path) == ("https://example.org/home/gestures", "home/gestures")


@pytest.mark.parametrize("key", ["a\nb", "ü", " a", "a\x00"])
def test_a_key_that_no_header_can_hold_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="the key holds a character that no key has"):
        Address("http://pi", key)


def test_a_key_is_not_shown() -> None:
    assert "secret" not in repr(Address("http://pi", "secret"))


def test_certificates_are_looked_at_before_they_are_needed(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("no certificate")
    for path in (tmp_path / "no.pem", tmp_path / "gone.pem"):
        with pytest.raises(ConfigError, match=r"\.pem holds no certificates \(PEM\) that could be trusted: "):
            Address("https://pi", verify=str(path))


def test_what_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    assert str(Address("https://pi").trusted).endswith("cacert.pem")
    assert Address("https://pi", verify=False).trusted is None
    monkeypatch.setenv("CURL_CA_BUNDLE", "/etc/own.pem")
    assert Address("https://pi").trusted == "/etc/own.pem"
