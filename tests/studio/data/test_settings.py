"""What an admin can choose."""

import pytest

from ademan.studio.data import StudioError
from ademan.studio.data.settings import MOST_CLIPS, REGISTRATION, Option, number, switch, whole_number
from ademan.studio.data.tables import Setting
from tests.studio.conftest import Studio


def test_a_choice_is_kept_and_without_one_there_is_a_default(studio: Studio) -> None:
    assert studio.settings.get(REGISTRATION) == "open"
    studio.settings.set(REGISTRATION, "invitation")
    studio.settings.set(REGISTRATION, "invitation")
    assert studio.settings.get(REGISTRATION) == "invitation"
    assert studio.settings.get(MOST_CLIPS) == 2000


@pytest.mark.parametrize(
    ("option", "value"),
    [
        (REGISTRATION, "closed"), (REGISTRATION, 1), (MOST_CLIPS, 0), (MOST_CLIPS, 1.5), (MOST_CLIPS, True),
        (number("a", 0.5, 0, 1), 1.1), (number("a", 0.5, 0, 1), "1"), (number("a", 0.5, 0, 1), float("nan")),
        (switch("a", default=True), 1), (whole_number("a", 1, 1, 3), None),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused(studio: Studio, option: Option[object], value: object) -> None:
    with pytest.raises(StudioError, match=r"expected .*, found") as refused:
        studio.settings.set(option, value)
    assert refused.value.code == "bad"
    assert studio.settings.get(option) == option.default


def test_a_value_that_is_no_longer_allowed_is_passed_over(studio: Studio) -> None:
    with studio.database.writing() as session:
        session.add(Setting(key=REGISTRATION.key, value={"no": "word"}))
    assert studio.settings.get(REGISTRATION) == "open"
