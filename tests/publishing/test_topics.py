"""Topics, and names that are safe in them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.publishing import MqttConfig
from ademan.publishing.topics import Topics, slug

_PLAIN = st.text("ab_-/ +#ü09", max_size=12)


@given(st.one_of(st.text(), _PLAIN))
def test_a_slug_has_only_what_is_safe(text: str) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,60}", slug(text))


@given(st.lists(_PLAIN, min_size=2, max_size=2, unique=True))
def test_two_names_stay_two(pair: list[str]) -> None:
    assert slug(pair[0]) != slug(pair[1])


@given(st.text("ab /", min_size=1, max_size=6))
def test_a_slug_that_is_given_as_a_name_is_no_copy(text: str) -> None:
    assert slug(slug(text)) == slug(text) if slug(text) == text else slug(slug(text)) != slug(text)


@pytest.mark.parametrize("name", ["wave", "swipe_left", "num5", "light-on", "A"])
def test_names_that_are_safe_stay_as_they_are(name: str) -> None:
    assert slug(name) == name


def test_letters_lose_their_marks_and_the_rest_becomes_an_underscore() -> None:
    assert slug("Küche 1") == "Kuche_1_2da14dd0"  # as docs/mqtt.md says
    assert re.fullmatch(r"[0-9a-f]{8}", slug("波"))


def test_a_device_has_three_topics_below_its_own() -> None:
    topics = Topics.of(MqttConfig("pi", mqtt_topic="home/gestures", mqtt_name="door"))
    assert topics.status == "home/gestures/door/status"
    assert topics.event == "home/gestures/door/event"
    assert topics.gesture == "home/gestures/door/gesture"
    assert re.fullmatch(r"home_gestures_[0-9a-f]{8}_door", topics.node)
    assert Topics.of(MqttConfig("pi", mqtt_name="a/b+#")).event.count("/") == 2
