"""Extractors: whatever turns frames into what a network reads, opened by what a dataset says it was made by.

A model must see live, and in a video that it is to name, what its training data was made of. So a dataset keeps how it
was made, a bundle takes that over into its manifest, and here it is opened again from there, and from nothing else.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from ademan.clip import Points
from ademan.embeddings import open_embedder
from ademan.extraction.options import landmark_config
from ademan.landmarks import open_landmarker
from ademan.pictures import open_cutter
from ademan.skeleton import Skeleton
from ademan.video import Frame

BY_EMBED = "ademan embed"
BY_PICTURES = "ademan pictures"


class Extractor(Protocol):
    """Turns the frames of one video after the other into the values of a clip; landmarkers are extractors."""

    @property
    def skeleton(self) -> Skeleton:
        """Names the P points, channels or rows."""

    def find(self, frame: Frame) -> Points:
        """Return (P, C) float32, NaN where nothing was seen; frames of one video come in the order of their time."""

    def reset(self) -> None:
        """Forget what was followed: the next frame is of another video."""

    def close(self) -> None:
        """Let go of the networks."""


def check_extractor(made: Mapping[str, Any], skeleton: Skeleton) -> None:
    """Refuse, before anything is loaded, what cannot be had from pictures.

    Raises:
        ConfigError: no landmarker finds such points.
        BundleError: `made` is damaged.
    """
    if made.get("by") not in (BY_EMBED, BY_PICTURES):
        landmark_config(made, skeleton)


def open_extractor(made: Mapping[str, Any], skeleton: Skeleton, landmarker: str = "") -> Extractor:
    """Return what makes of a picture what a model takes.

    Args:
        made: how the dataset was made that trained it, see `Manifest.points`.
        skeleton: that the model takes.
        landmarker: the backend that finds points, if not that of the training.

    Raises:
        AdemanError: points like these cannot be found in pictures, weights are missing, or `made` is damaged.
    """
    if made.get("by") == BY_EMBED:
        return open_embedder(made)
    if made.get("by") == BY_PICTURES:
        return open_cutter(made)
    return open_landmarker(landmark_config(made, skeleton, landmarker))
