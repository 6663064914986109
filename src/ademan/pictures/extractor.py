"""Opens what cuts pictures out of frames, as a config or a model's manifest says."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

from ademan.errors import BundleError, ConfigError
from ademan.pictures.background import read_background
from ademan.pictures.config import PictureConfig
from ademan.pictures.hand import HandCrops
from ademan.pictures.silhouette import Silhouettes

PictureExtractor: TypeAlias = HandCrops | Silhouettes
"""Both keep the protocol of extractors; `learning` says whether a frame is only looked at to learn the empty scene."""


def open_pictures(config: PictureConfig, background: Path | str | None = None) -> PictureExtractor:
    """Return what cuts pictures out of frames.

    Args:
        config: what is cut out.
        background: file of the empty scene, where the config says that it is a picture; by default the one that the
            environment variable ADEMAN_BACKGROUND names.

    Raises:
        ConfigError: a picture of the empty scene is needed and none was given.
        VideoError: it cannot be read.
        LandmarkError: the networks that find hands cannot be had.
    """
    if config.of == "hand":
        return HandCrops(config)
    return Silhouettes(config, read_background(background) if config.background == "picture" else None)


def open_cutter(made: Mapping[str, Any]) -> PictureExtractor:
    """Return what cuts out of frames what a model was trained on; see `open_pictures`, whose errors it raises.

    Args:
        made: what the model says of how its pictures were made.

    Raises:
        BundleError: that is damaged.
    """
    return open_pictures(picture_config(made))


def picture_config(made: Mapping[str, Any]) -> PictureConfig:
    """Return what pictures a dataset or a model was made of, from what it says of itself.

    Raises:
        BundleError: that is damaged.
    """
    saved = made.get("options")
    saved = saved if isinstance(saved, dict) else {}
    known = {field.name for field in fields(PictureConfig)}
    try:
        return PictureConfig(**{name: value for name, value in saved.items() if name in known})
    except (ConfigError, TypeError) as error:
        raise BundleError(f"what the manifest says of how pictures were cut out is damaged: {error}") from error
