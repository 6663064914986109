"""High dynamic range brought down to ordinary pictures, in which landmarkers find what they were trained to find.

PQ: SMPTE ST 2084, HLG: ARIB STD-B67, both as given in ITU-R BT.2100-2, tables 4 and 5. Primaries from BT.2020 to
BT.709: ITU-R BT.2087-0. Light above the reference white of 203 cd/m2 (ITU-R BT.2408) is compressed as by Reinhard
(2002), so that nothing is cut off.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ademan.video.frame import Image

TRANSFERS = {16: "pq", 18: "hlg"}
"""Of FFmpeg's AVColorTransferCharacteristic: those of high dynamic range."""
_WHITE = 203.0  # cd/m2
_PEAK = 1000.0 / _WHITE  # what is brought to full white
_TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])


def to_sdr(image: Image, transfer: int) -> Image:
    """Return an ordinary picture of one whose values are those of PQ or HLG with the primaries of BT.2020.

    Args:
        image: (H, W, 3) uint8, RGB as stored.
        transfer: a key of TRANSFERS.
    """
    linear = cv2.transform(cv2.LUT(image, _linear(transfer)), _TO_BT709.astype(np.float32))
    steps = np.clip(linear, 0.0, 1.0) * 1023.0
    return np.asarray(_gamma()[steps.astype(np.uint16)], np.uint8)


@cache
def _linear(transfer: int) -> NDArray[np.float32]:
    """Return (256,): the light of each stored value, tone-mapped, 1 being full white."""
    stored = np.linspace(0.0, 1.0, 256)
    light = _pq(stored) if TRANSFERS[transfer] == "pq" else _hlg(stored)
    return np.asarray(light * (1 + light / _PEAK**2) / (1 + light) * (1 + _PEAK) / (1 + 1 / _PEAK) / _PEAK, np.float32)


def _pq(stored: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return light in units of the reference white."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = stored ** (1 / m2)
    return np.asarray(10_000.0 / _WHITE * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1))


def _hlg(stored: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return light in units of the reference white, on a screen of 1000 cd/m2."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(stored <= 0.5, stored**2 / 3, (np.exp((stored - c) / a) + b) / 12)
    return np.asarray(1000.0 / _WHITE * scene**1.2)


@cache
def _gamma() -> Image:
    """Return (1024,): the stored value of light from 0 to 1, by the curve of sRGB (IEC 61966-2-1)."""
    light = np.linspace(0.0, 1.0, 1024)
    return np.round(255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)).astype(
        np.uint8
    )
