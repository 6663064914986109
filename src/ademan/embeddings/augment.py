"""Pictures changed as another camera, another light or a mirror would show them: one draw for all frames of a video.

What changes, and by how much, is drawn once a video, so that a copy of it is a video that could have been recorded:
the lens does not breathe, and the light does not flicker. Only noise falls anew on every frame, of a strength that
is drawn once. It depends on the frame itself, so that a frame looks the same whichever frames were asked for before.

All frames are brought to one square first. Strengths in pixels then mean the same for each video, and so do draws.

The transforms are albumentations'; https://albumentations.ai/docs/ describes them.
"""

import hashlib
import os
import re
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np

from ademan.errors import ConfigError, require
from ademan.video import Image

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SIDED = frozenset(
    "left right leftward rightward leftwards rightwards clockwise counterclockwise anticlockwise".split()
)
_RANGES = dict.fromkeys(("distort", "relight", "noise", "blur", "mirror", "lens", "iso"), (0, 1)) | {
    "grid": (0, 0.9),
    "light": (0, 0.9),
    "hue": (0, 0.5),
    "grain": (0, 0.5),
    "smear": (3, 99),
    "soft": (0, 20),
    "size": (32, 4096),
}
_SHARP = 0.01  # pixels: a Gaussian of 0 is a division by 0


@dataclass(frozen=True)
class FrameAugmentation:
    """How often pictures are changed, and how much: each video draws between nothing and these strengths."""

    distort: float = 0.5
    """Chance that a video is distorted, 0 to 1: as by a lens, or in a grid, the one as often as the other."""
    lens: float = 0.5
    """Largest distortion as by a lens, inwards or outwards, 0 to 1."""
    grid: float = 0.3
    """Largest change of the width and height of a cell of the grid, 0 to 0.9: 0.3 is from 0.7 to 1.3 of it."""
    relight: float = 0.8
    """Chance of another light, 0 to 1: of brightness and contrast alone, or of the colours as well."""
    light: float = 0.25
    """Largest change of brightness, of contrast and of saturation, 0 to 0.9: 0.25 is from 0.75 to 1.25 of it. Where the
    colours stay, such a share of middle grey is added."""
    hue: float = 0.03
    """Largest turn of the colours, 0 to 0.5, as a share of the colour circle."""
    noise: float = 0.6
    """Chance of noise, 0 to 1: Gaussian, or as a sensor makes it in the dark, the one as often as the other."""
    grain: float = 0.08
    """Largest standard deviation of Gaussian noise, 0 to 0.5, as a share of white."""
    iso: float = 0.3
    """Largest intensity of a sensor's noise, 0 to 1."""
    blur: float = 0.6
    """Chance of blur, 0 to 1: of motion, or of a lens out of focus (Gaussian), the one as often as the other."""
    smear: int = 13
    """Longest way of a blur of motion, 3 to 99 pixels."""
    soft: float = 2.0
    """Largest standard deviation of a Gaussian blur, 0 to 20 pixels."""
    mirror: float = 0.5
    """Chance that a video is mirrored, 0 to 1."""
    sided: tuple[str, ...] | None = None
    """Classes that mean left or right, which are never mirrored. If not given, those whose names say left, right or
    clockwise as a word of its own."""
    size: int = 640
    """Width and height of the pictures that come out, 32 to 4096 pixels."""

    def __post_init__(self) -> None:
        for name, (least, largest) in _RANGES.items():
            value = getattr(self, name)
            if not least <= value <= largest:  # put so that NaN is refused too
                raise ConfigError(f"{name} must be from {least:g} to {largest:g}, found {value}.")

    def may_mirror(self, label: str) -> bool:
        """Return whether the mirror image of a class still is of that class."""
        return not means_a_side(label) if self.sided is None else label not in self.sided


@dataclass(frozen=True, eq=False)
class FrameDraw:
    """One way to change pictures, the same for all of them; called with a picture (H, W, 3), it returns another.

    Not to be called by two threads at once: the transforms hold their state.

    Args:
        changes: what is done, in words, in its order.
        size: width and height of what comes out, pixels.
        mirrored: whether left and right are exchanged.
        steady: what is the same in all frames: distortion, light, blur; an albumentations pipeline.
        noise: what falls anew on each frame; None for none.
        seed: of what the transforms draw themselves.
    """

    changes: tuple[str, ...]
    size: int
    mirrored: bool
    steady: Any
    noise: Any
    seed: int

    def __call__(self, image: Image) -> Image:
        """Return a picture (size, size, 3), changed; the same for the same picture."""
        changed = plain(image, self.size)
        if self.mirrored:
            changed = np.ascontiguousarray(changed[:, ::-1])
        self.steady.set_random_seed(self.seed)  # each frame draws what the first one drew
        result = self.steady(image=changed)["image"]
        if self.noise is not None:
            self.noise.set_random_seed(self.seed ^ zlib.crc32(changed.tobytes()))
            result = self.noise(image=result)["image"]
        return np.ascontiguousarray(result, np.uint8)


class FrameAugmenter:
    """Draws how videos are changed.

    Args:
        config: how often, and how much.
        seed: the same seed gives the same draws, in whatever order they are asked for.

    Raises:
        MissingExtraError: albumentations is not installed.
    """

    def __init__(self, config: FrameAugmentation | None = None, seed: int = 0) -> None:
        self.config, self.seed = config or FrameAugmentation(), seed
        self._library = _albumentations()

    def draw(self, label: str, index: int | str) -> FrameDraw:
        """Return one draw for all frames of a video.

        Args:
            label: the class of the video; see `FrameAugmentation.sided`.
            index: which draw: a number from 0 on, or a text such as the id of the copy. No two copies of a dataset
                should have the same one; the same one gives the same draw.
        """
        number = index if isinstance(index, int) else int.from_bytes(hashlib.sha256(index.encode()).digest()[:8])
        rng = np.random.default_rng([self.seed, number])
        config, compose = self.config, self._library.Compose
        # All is drawn whether it is used or not: another chance of one change leaves the others as they are.
        mirrored = rng.random() < config.mirror and config.may_mirror(label)
        drawn = [_distortion, _light, _blur, _noise]
        chances = [config.distort, config.relight, config.blur, config.noise]
        made = [one(self._library, config, np.random.default_rng(rng.integers(2**63))) for one in drawn]
        done = [item if rng.random() < chance else None for item, chance in zip(made, chances, strict=True)]
        noise = done.pop()
        steady = [item for item in done if item]
        said = [change for change, _ in steady] + ([noise[0]] if noise else [])
        return FrameDraw(
            changes=(("mirrored",) if mirrored else ()) + tuple(said),
            size=config.size,
            mirrored=mirrored,
            steady=compose([transform for _, transform in steady]),
            noise=compose([noise[1]]) if noise else None,
            seed=int(rng.integers(2**31)),
        )


def plain(image: Image, size: int = 640) -> Image:
    """Return a picture (size, size, 3) that is not changed but in size: what is validated and tested with.

    Args:
        image: (H, W, 3) of any size; its sides are brought to the square each by itself.
        size: width and height, pixels.
    """
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    # Averaging over areas where pixels become fewer: left out, they would make steps at edges.
    way = cv2.INTER_AREA if max(height, width) > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size, size), interpolation=way), np.uint8)


def means_a_side(label: str) -> bool:
    """Return whether a name has left, right or clockwise in it as a word, as swipe_left and TurnRight have."""
    text = " ".join(_WORD.findall(label)).lower()
    return any(word in _SIDED for word in text.split())


_Change = tuple[str, Any]
"""What a transform does, in words, and the transform."""


def _distortion(library: Any, config: FrameAugmentation, rng: np.random.Generator) -> _Change:
    # Black corners would tell a copy from a recording, and what is mirrored at the edge would be a second arm.
    edge = {"border_mode": cv2.BORDER_REPLICATE, "p": 1.0}
    lens, grid = rng.uniform(-config.lens, config.lens), rng.uniform(0, config.grid)
    if rng.random() < 0.5:
        return f"lens {lens:+.2f}", library.OpticalDistortion(distort_limit=(lens, lens), **edge)
    return f"grid {grid:.2f}", library.GridDistortion(distort_limit=(-grid, grid), **edge)


def _light(library: Any, config: FrameAugmentation, rng: np.random.Generator) -> _Change:
    brightness, contrast, saturation = rng.uniform(-config.light, config.light, 3)
    hue = rng.uniform(-config.hue, config.hue)
    said = f"light {brightness:+.2f} contrast {contrast:+.2f}"
    if rng.random() < 0.5:
        return said, library.RandomBrightnessContrast(
            brightness_limit=(brightness / 2, brightness / 2), contrast_limit=(contrast, contrast), p=1.0
        )
    return f"{said} colour {saturation:+.2f} hue {hue:+.2f}", library.ColorJitter(
        brightness=(1 + brightness,) * 2,
        contrast=(1 + contrast,) * 2,
        saturation=(1 + saturation,) * 2,
        hue=(hue, hue),
        p=1.0,
    )


def _blur(library: Any, config: FrameAugmentation, rng: np.random.Generator) -> _Change:
    smear, soft = (
        2 * int(rng.integers(1, (config.smear - 1) // 2, endpoint=True)) + 1,
        max(_SHARP, rng.uniform(0, config.soft)),
    )
    if rng.random() < 0.5:
        return f"motion {smear} px", library.MotionBlur(blur_limit=(smear, smear), allow_shifted=False, p=1.0)
    return f"soft {soft:.1f} px", library.GaussianBlur(blur_limit=0, sigma_limit=(soft, soft), p=1.0)


def _noise(library: Any, config: FrameAugmentation, rng: np.random.Generator) -> _Change:
    grain, iso, tint = rng.uniform(0, config.grain), rng.uniform(0, config.iso), rng.uniform(0.01, 0.05)
    if rng.random() < 0.5:
        return f"noise {grain:.2f}", library.GaussNoise(std_range=(grain, grain), p=1.0)
    return f"ISO noise {iso:.2f}", library.ISONoise(color_shift=(tint, tint), intensity=(iso, iso), p=1.0)


@cache
def _albumentations() -> Any:
    """Import albumentations, which asks a server for newer versions of itself unless it is told not to."""
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    return require("albumentations", feature="Augmenting pictures", extra="embed")
