from dataclasses import fields, replace

import pytest

from ademan.augmentation import OFF, Augmentation
from ademan.errors import ConfigError

NAMES = [field.name for field in fields(Augmentation)]


def test_off_is_off() -> None:
    assert all(getattr(OFF, name) == 0 for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [-0.1, 400.0, float("nan"), float("inf")])
def test_a_strength_out_of_its_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"{name} must be from 0 to [\d.]+, found {value}\."):
        replace(OFF, **{name: value})


def test_a_part_of_a_clip_that_is_taken_is_never_all_of_it() -> None:
    for name in ("warp", "crop", "drop_frames", "drop_parts", "drop_points", "exchange"):
        with pytest.raises(ConfigError, match=r"from 0 to 0\.9, found 1\.0"):
            replace(OFF, **{name: 1.0})
