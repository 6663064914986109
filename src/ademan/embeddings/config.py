"""What a picture is embedded with, and how a dataset remembers it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ademan.errors import BundleError, ConfigError

Regions = Literal["halves", "hands"]
"""What the left and the right channels look at."""
Device = Literal["auto", "cpu", "cuda"]
"""What computes."""
Precision = Literal["auto", "fp32", "bf16", "fp16"]
"""Of the numbers that are computed with; what is kept is float32 or, on request, float16."""
VIT = "dima806/hand_gestures_image_detection"
RESNEXT = "IMAGENET1K_V2"


@dataclass(frozen=True)
class EmbedConfig:
    """Which networks look at a picture, at which parts of it, and on what they run."""

    vit: str = VIT
    """Vision transformer: an id on the Hugging Face hub, or a folder with its weights."""
    resnext: str = RESNEXT
    """ResNeXt50-32x4d: IMAGENET1K_V1 or IMAGENET1K_V2 (torchvision's weights), or a checkpoint file."""
    regions: Regions = "halves"
    """halves: left and right half of the picture. hands: left and right hand, cut out of it."""
    detector: str = ""
    """ONNX file of a YOLO network that finds the hands; without it, the palm detection of `ademan extract` does."""
    batch: int = 0
    """Parts of pictures that go through a network at once; 0 takes 8 on a processor and 128 on a GPU."""
    device: Device = "auto"
    """auto: a GPU where there is one."""
    precision: Precision = "auto"
    """auto: bf16 where the processor or GPU computes with it; else fp32 on a processor, fp16 on a GPU."""

    def __post_init__(self) -> None:
        for name, choices in (("regions", Regions), ("device", Device), ("precision", Precision)):
            if getattr(self, name) not in get_args(choices):
                listed = ", ".join(get_args(choices))
                raise ConfigError(f"{name} '{getattr(self, name)}' is unknown; choose among {listed}.")
        if self.batch < 0:
            raise ConfigError(f"batch must be 0 or more, found {self.batch}.")
        if self.detector and self.regions != "hands":
            raise ConfigError("a detector finds hands: use it with  --regions hands  or leave it out.")
        if not self.vit or not self.resnext:
            raise ConfigError("vit and resnext each need a name, or a place where weights lie.")


def weights_name(place: str) -> str:
    """Return what weights are called: an id as it is, a file or folder by its last name."""
    return Path(place).resolve().name if place and Path(place).exists() else place


def config_as_made(made: Mapping[str, Any], device: Device, precision: Precision) -> EmbedConfig:
    """Return what a dataset was embedded with, to be run on a device of this machine.

    Raises:
        BundleError: `made` is damaged.
        ConfigError: there is no such device or precision.
    """
    saved = made.get("options")
    names = ("vit", "resnext", "regions", "detector")
    if not isinstance(saved, Mapping) or not all(isinstance(saved.get(name), str) for name in names):
        raise BundleError(
            f"what is said of how pictures were embedded is damaged: expected options with {', '.join(names)}, "
            f"found {saved!r}. Export the bundle again from a dataset of  ademan embed."
        )
    machine = EmbedConfig(device=device, precision=precision)
    try:
        return EmbedConfig(**{n: saved[n] for n in names}, device=machine.device, precision=machine.precision)
    except ConfigError as error:
        raise BundleError(f"what is said of how pictures were embedded is damaged: {error}") from error
