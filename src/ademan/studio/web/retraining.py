"""The form in which an admin chooses when sets are trained again, and what a new model must be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from ademan.studio.data.settings import Option, Settings
from ademan.studio.web.pages import Form
from ademan.studio.web.texts import Say
from ademan.studio.work import options

Kind = Literal["word", "text", "whole", "percent", "switch"]


@dataclass(frozen=True)
class Field:
    """A field of the form.

    Args:
        name: of the field.
        option: that it sets.
        kind: how its value is written; a percent is a share in the settings.
    """

    name: str
    option: Option[Any]
    kind: Kind

    def shown(self, value: Any) -> str:
        """Return a value as the form has it."""
        if self.kind == "percent":
            return f"{100 * value:.4g}"
        if self.kind == "switch":
            return "yes" if value else ""
        return str(value)

    def read(self, told: str) -> Any:
        """Return the value that was filled in; None if it is none."""
        told = told.strip()
        try:
            if self.kind == "percent":
                return float(told.replace(",", ".").removesuffix("%")) / 100
            if self.kind == "whole":
                return int(told)
        except ValueError:
            return None
        return told == "yes" if self.kind == "switch" else told


FIELDS: Final = (
    Field("when", options.WHEN, "word"),
    Field("at", options.AT, "text"),
    Field("zone", options.ZONE, "text"),
    Field("clips", options.CLIPS, "whole"),
    Field("min_gain", options.MIN_GAIN, "percent"),
    Field("max_class_loss", options.MAX_CLASS_LOSS, "percent"),
    Field("min_test_clips", options.MIN_TEST_CLIPS, "whole"),
    Field("first_margin", options.FIRST_MARGIN, "percent"),
    Field("made_up_idle", options.MADE_UP_IDLE, "switch"),
)
_FAULTS: Final = {
    "when": "error.needed",
    "at": "training.bad_time",
    "zone": "training.bad_zone",
    "clips": "training.bad_count",
    "min_gain": "training.bad_gain",
    "max_class_loss": "training.bad_share",
    "min_test_clips": "training.bad_count",
    "first_margin": "training.bad_share",
    "made_up_idle": "error.needed",
}


def chosen(settings: Settings) -> Form:
    """Return the form with what is chosen now."""
    return Form({field.name: field.shown(settings.get(field.option)) for field in FIELDS})


def choose(settings: Settings, filled: Mapping[str, str], say: Say) -> Form:
    """Keep what was filled in, all of it or nothing; what is wrong comes back with the form."""
    told = {field.name: filled.get(field.name, "") for field in FIELDS}
    values = {field.name: field.read(told[field.name]) for field in FIELDS}
    errors = {field.name: say(_FAULTS[field.name]) for field in FIELDS if field.option.fault(values[field.name])}
    if not errors:
        for field in FIELDS:
            settings.set(field.option, values[field.name])
    return Form(told, errors)
