"""A picture becomes the rows of a frame, and comes back."""

import numpy as np
import pytest

from ademan.errors import ClipError
from ademan.pictures import as_picture, as_values
from ademan.pictures.values import in_colours, nothing


@pytest.mark.parametrize("colours", [1, 3])
def test_a_picture_comes_back_from_its_values(colours: int, rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (16, 16, 3)).astype(np.uint8)
    image = image if colours == 3 else np.repeat(image[..., :1], 3, axis=2)
    values = as_values(image if colours == 3 else image[..., 0])
    assert values.shape == (16, 16 * colours)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(as_picture(values), image)


def test_half_precision_keeps_every_grey() -> None:
    greys = np.arange(256, dtype=np.float32)
    np.testing.assert_array_equal(greys.astype(np.float16), greys)


def test_a_value_s_place_is_column_times_colours_plus_colour() -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    image[2, 5, 1] = 77
    assert as_values(image)[2, 5 * 3 + 1] == 77


def test_nothing_is_black_when_it_is_drawn() -> None:
    assert np.isnan(nothing(16, 3)).all()
    assert not as_picture(nothing(16, 1)).any()


def test_what_is_no_square_picture_is_refused() -> None:
    with pytest.raises(ClipError, match="expected 16 or 48 values in each of 16 rows of a picture, found 20"):
        as_picture(np.zeros((16, 20), np.float32))


def test_grey_is_as_bright_as_the_eye_sees_it() -> None:
    green = np.zeros((4, 4, 3), np.uint8)
    green[..., 1] = 200
    assert in_colours(green, 3) is green
    assert 110 < in_colours(green, 1)[0, 0] < 125
