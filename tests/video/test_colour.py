"""High dynamic range brought down: black, white and grey stay what they are, and more light is never less."""

import numpy as np
import pytest

from ademan.video.colour import TRANSFERS, to_sdr


def ramp() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_grey_stays_grey_and_rises(transfer: int) -> None:
    found = to_sdr(ramp(), transfer)[0].astype(int)
    assert np.ptp(found, axis=1).max() <= 2
    assert (np.diff(found[:, 0]) >= 0).all()
    assert found[0].max() == 0
    assert found[-1].min() == 255


def test_the_reference_white_of_pq_is_a_bright_grey() -> None:
    stored = round(255 * 0.58)  # 203 cd/m2, ITU-R BT.2408 table 1
    assert 150 < to_sdr(np.full((1, 1, 3), stored, np.uint8), 16)[0, 0, 0] < 240


def test_hlg_looks_much_like_the_ordinary_picture_it_was_made_to_be() -> None:
    found = to_sdr(ramp(), 18)[0, :, 0].astype(int)
    assert np.abs(found[64:192] - np.arange(64, 192)).mean() < 45
