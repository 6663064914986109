"""Embeddings: what networks trained on pictures make of each frame. The home of transformers and albumentations.

config.py       what a picture is embedded with
weights.py      where the networks' weights lie, and their checksums
resnext.py      ResNeXt50, with the names that torchvision gives its weights
networks.py     the networks: pictures in, one vector for each out
regions.py      which parts of a picture they look at: its halves, or the hands in it
detector.py     hands found by a YOLO network, for regions.py
embedder.py     pictures in, 12 channels of 768 numbers out
augment.py      pictures changed, one and the same draw for a whole video
sheet.py        such changes side by side, to look at
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ademan.embeddings.config import Device, EmbedConfig, Precision
from ademan.errors import require

if TYPE_CHECKING:
    from ademan.embeddings.embedder import Embedder

__all__ = ["EmbedConfig", "new_embedder", "open_embedder"]


def new_embedder(config: EmbedConfig | None = None) -> "Embedder":
    """Return an embedder; weights are fetched when they are used for the first time.

    Raises:
        LandmarkError: weights cannot be had, or are not those of such a network.
        ConfigError: there is no such device.
        MissingExtraError: the extra `embed` is not installed.
    """
    _check_installed()
    from ademan.embeddings.embedder import Embedder  # noqa: PLC0415 - it imports torch

    return Embedder(config)


def open_embedder(made: Mapping[str, Any], device: Device = "auto", precision: Precision = "auto") -> "Embedder":
    """Return the embedder that a dataset was made with, for a model that learnt from it.

    Its weights are found by their names, or where ADEMAN_VIT, ADEMAN_RESNEXT and ADEMAN_DETECTOR say.

    Args:
        made: how the dataset was made, see `Manifest.points`.
        device: that this machine is to compute with.
        precision: of the numbers that it computes with.

    Raises:
        LandmarkError: weights cannot be had, or are others than those of the dataset.
        BundleError: `made` is damaged.
        ConfigError: there is no such device.
        MissingExtraError: the extra `embed` is not installed.
    """
    _check_installed()
    from ademan.embeddings.embedder import reopened  # noqa: PLC0415

    return reopened(made, device, precision)


def _check_installed() -> None:
    require("torch", feature="Embedding pictures", extra="embed")
