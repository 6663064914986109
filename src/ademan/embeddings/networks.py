"""The networks that look at pictures: a vision transformer and a ResNeXt50, without their heads.

Both are loaded from files alone: what weights are named after, and where they are found, is `weights.py`'s business.
"""

import json
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ademan.embeddings.resnext import ResNext50
from ademan.embeddings.weights import Weights
from ademan.errors import LandmarkError, require

VIT_WIDTH = 768
"""Numbers of a transformer's vector; a smaller one is filled up with zeros."""
RESNEXT_WIDTH = 2048
"""Numbers behind the average pooling of a ResNeXt50."""
_FEATURE = "Embedding pictures"
_HEAD = "fc."
_UNREADABLE = (
    *(OSError, ValueError, RuntimeError, EOFError, LookupError, AttributeError, TypeError),
    pickle.UnpicklingError,
)
"""What reading a damaged checkpoint can end in: torch's reader hides none of what its parts raise."""
_FILTERS = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers for what torch can do as well


@dataclass(frozen=True)
class Preprocessing:
    """What a network expects of a picture.

    Args:
        size_wh: pixels.
        mean: of red, green and blue, in units of white.
        std: their standard deviation.
        filter: how a picture is brought to the size; with antialiasing, as Pillow does it.
        scale: that 0 to 255 is multiplied with first.
    """

    size_wh: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    filter: str = "bilinear"
    scale: float = 1 / 255


_HALF = (0.5, 0.5, 0.5)
VIT_PREPROCESSING = Preprocessing((224, 224), _HALF, _HALF)
"""Of `ViTImageProcessor` in transformers, for a transformer that says nothing."""
RESNEXT_PREPROCESSING = Preprocessing((224, 224), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Of torchvision's ImageNet weights, but that nothing is cut off at the edges: there the hands may be."""


@dataclass(frozen=True, eq=False)
class PictureNetwork:
    """Pictures to vectors.

    Args:
        module: (n, 3, H, W), normalised, to (n, width).
        preprocessing: that it expects.
        width: numbers of a vector.
    """

    module: nn.Module
    preprocessing: Preprocessing
    width: int

    def __call__(self, pictures: Tensor) -> Tensor:
        """Return (n, width) float32 of pictures (n, 3, H, W) from 0 to 255 of the size that is expected."""
        parameter = next(self.module.parameters())
        told = self.preprocessing
        mean, std = (torch.tensor(v, device=pictures.device)[:, None, None] for v in (told.mean, told.std))
        normal = ((pictures.float() * told.scale - mean) / std).to(parameter.dtype)
        return torch.as_tensor(self.module(normal.contiguous(memory_format=_layout(parameter.device)))).float()


class _MeanOfTokens(nn.Module):
    """A transformer's last hidden layer, behind its last normalisation, as the mean over all tokens."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(self, pictures: Tensor) -> Tensor:
        hidden: Tensor = self.transformer(pixel_values=pictures).last_hidden_state
        return hidden.mean(dim=1)


def load_vit(weights: Weights, device: torch.device, dtype: torch.dtype) -> PictureNetwork:
    """Return the transformer of a folder as `save_pretrained` writes it and the hub keeps it.

    Raises:
        LandmarkError: the folder holds no transformer for pictures, some of its weights are missing, or its vectors
            have more than 768 numbers.
    """
    transformers = require("transformers", feature=_FEATURE, extra="embed")
    preprocessing = _read_preprocessing(weights.path)
    try:
        with _quiet(transformers):
            model, told = transformers.AutoModel.from_pretrained(
                weights.path, local_files_only=True, use_safetensors=True, output_loading_info=True, dtype=torch.float32
            )
            network = _placed(_MeanOfTokens(model), preprocessing, device, dtype)
    except (OSError, ValueError, RuntimeError, TypeError, KeyError, AttributeError, _damaged()) as error:
        raise LandmarkError(f"{weights.path} is no vision transformer that can be used: {_why(error)}") from error
    lost = sorted(name for name in told["missing_keys"] if "pooler" not in name) + sorted(
        map(str, told["mismatched_keys"])
    )
    if lost:
        raise LandmarkError(
            f"{weights.path} lacks {len(lost)} of the weights that its config.json promises, such as {lost[0]}. "
            "Bring the folder again, whole."
        )
    if network.width > VIT_WIDTH:
        raise LandmarkError(
            f"'{weights.name}' makes vectors of {network.width} numbers; a channel has {VIT_WIDTH}. "
            "Choose a transformer of base size, such as google/vit-base-patch16-224-in21k, or a smaller one."
        )
    return network


def load_resnext(weights: Weights, device: torch.device, dtype: torch.dtype) -> PictureNetwork:
    """Return a ResNeXt50-32x4d, its head left off, whatever classes the head tells apart.

    The file may wrap its weights (MODEL_STATE, state_dict, model) and their names (module., of DataParallel, or
    any other prefix).

    Raises:
        LandmarkError: the file cannot be read as weights alone, or these are not those of a ResNeXt50-32x4d.
    """
    module = ResNext50()
    state = _bare(_read_state(weights.path), weights.path)
    expected = module.state_dict()
    wrong = sorted(
        name
        for name, value in expected.items()
        if not name.endswith("num_batches_tracked") and (name not in state or state[name].shape != value.shape)
    )
    if wrong:
        raise LandmarkError(
            f"{weights.path} does not hold the weights of a ResNeXt50-32x4d: {len(wrong)} of {len(expected)} are "
            f"missing or of another shape, such as {wrong[0]}. Choose a checkpoint of torchvision's resnext50_32x4d."
        )
    module.load_state_dict({name: state.get(name, value) for name, value in expected.items()})
    return _placed(module, RESNEXT_PREPROCESSING, device, dtype)


def _placed(
    module: nn.Module, preprocessing: Preprocessing, device: torch.device, dtype: torch.dtype
) -> PictureNetwork:
    """Return the network where it is to compute, its width found out by one picture."""
    module = module.eval().requires_grad_(False).to(device, dtype)
    module.to(memory_format=_layout(device))  # type: ignore[call-overload]
    width, height = preprocessing.size_wh
    with torch.inference_mode():
        vector = module(torch.zeros(1, 3, height, width, device=device, dtype=dtype))
    return PictureNetwork(module, preprocessing, int(vector.shape[1]))


def _layout(device: torch.device) -> torch.memory_format:
    """Return how convolutions want pictures: GPUs with the colours last, processors with the colours first."""
    return torch.channels_last if device.type == "cuda" else torch.contiguous_format


def _read_preprocessing(folder: Path) -> Preprocessing:
    """Return what a transformer's folder says; what it leaves out is as `ViTImageProcessor` has it."""
    path = folder / "preprocessor_config.json"
    try:
        said = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        cropped = said.get("do_center_crop") and said.get("crop_size")
        usual = VIT_PREPROCESSING
        return Preprocessing(
            size_wh=_size_wh(cropped or said.get("size") or usual.size_wh[0]),
            mean=_colours(said.get("image_mean") or usual.mean) if said.get("do_normalize", True) else (0.0,) * 3,
            std=_colours(said.get("image_std") or usual.std) if said.get("do_normalize", True) else (1.0,) * 3,
            filter=_FILTERS.get(said.get("resample", 2), "bilinear"),
            scale=float(said.get("rescale_factor", usual.scale)) if said.get("do_rescale", True) else 1.0,
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise LandmarkError(
            f"{path} does not say how pictures are prepared ({_why(error)}): expected size, image_mean and image_std, "
            "as transformers writes them."
        ) from error


def _size_wh(said: Any) -> tuple[int, int]:
    """Return a size that is one number, {"height", "width"}, or {"shortest_edge"}: parts of pictures are stretched."""
    if isinstance(said, Mapping):
        size_wh = (said["width"], said["height"]) if "width" in said else (said["shortest_edge"],) * 2
    else:
        size_wh = (said, said)
    if not all(isinstance(side, int) and 16 <= side <= 2048 for side in size_wh):
        raise ValueError(f"size {said!r}")
    return size_wh


def _colours(said: Any) -> tuple[float, ...]:
    values = tuple(float(value) for value in said)
    if len(values) != 3:
        raise ValueError(f"{len(values)} colours")
    return values


def _read_state(path: Path) -> Mapping[str, Any]:
    """Return what a checkpoint file holds; nothing in it is run."""
    try:
        if path.suffix == ".safetensors":
            return dict(require("safetensors.torch", feature=_FEATURE, extra="embed").load_file(path))
        with warnings.catch_warnings(action="ignore"):  # of pickles that are then refused
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (*_UNREADABLE, _damaged()) as error:
        # What torch says of such a file is how to run it after all.
        raise LandmarkError(
            f"{path} cannot be read as weights: it is damaged, was not written by torch.save, or holds more than "
            "tensors, numbers and texts, which is never run. Save the weights alone:  "
            "torch.save(model.state_dict(), FILE)"
        ) from error
    for wrapped in ("MODEL_STATE", "state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(wrapped), Mapping):
            content = content[wrapped]
    return content if isinstance(content, Mapping) else {}


def _bare(state: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    """Return the weights without the prefix of their names and without a head.

    The first layer of all alone looks at three colours; what stands before its name stands before all names.
    """
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    stems = [n for n, v in tensors.items() if n.endswith("conv1.weight") and v.ndim == 4 and v.shape[1] == 3]
    if len(stems) != 1:
        raise LandmarkError(
            f"{path} does not hold the weights of a ResNeXt50-32x4d: expected one first layer 'conv1.weight' of three "
            f"colours, found {len(stems)} among {len(tensors)} tensors."
        )
    prefix = stems[0].removesuffix("conv1.weight")
    named = {n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)}
    return {name: value for name, value in named.items() if not name.startswith(_HEAD)}


def _damaged() -> type[Exception]:
    """Return the error of a safetensors file that is cut short."""
    error: type[Exception] = require("safetensors", feature=_FEATURE, extra="embed").SafetensorError
    return error


class _quiet:  # noqa: N801 - used like a function
    """Keeps transformers' report on weights that are not used, such as those of a head, off the terminal."""

    def __init__(self, transformers: Any) -> None:
        self._logging = transformers.utils.logging

    def __enter__(self) -> None:
        self._level, self._bar = self._logging.get_verbosity(), self._logging.is_progress_bar_enabled()
        self._logging.set_verbosity_error()
        self._logging.disable_progress_bar()

    def __exit__(self, *error: object) -> None:
        self._logging.set_verbosity(self._level)
        if self._bar:
            self._logging.enable_progress_bar()


def _why(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
