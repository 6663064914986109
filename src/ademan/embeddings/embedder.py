"""Pictures in, 12 channels of 768 numbers out.

    left_vit, right_vit                         the transformer's vector of the left and of the right part
    left_resnext_1 to 3, right_resnext_1 to 3   the ResNeXt's 2048 numbers, filled up with zeros to 3 x 768
    whole_vit, whole_resnext_1 to 3             both, of the whole picture

Parts of many pictures go through a network together. A picture's embedding does not depend on which others are with
it, but for rounding: processors add in another order then.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ademan.clip import Points
from ademan.embeddings.config import Device, EmbedConfig, Precision, config_as_made
from ademan.embeddings.detector import YoloDetector
from ademan.embeddings.networks import VIT_WIDTH, Preprocessing, load_resnext, load_vit
from ademan.embeddings.regions import Finder, Halves, HandsByDetector, HandsByPoints
from ademan.embeddings.weights import Weights, check_same, find_weights
from ademan.errors import ConfigError, LandmarkError
from ademan.landmarks import open_landmarker
from ademan.landmarks.model_files import checksums
from ademan.skeleton import EMBEDDING, Skeleton
from ademan.video.frame import Frame, Image

_PIECES = 3  # channels of a ResNeXt's vector
_VIT_CHANNEL = (0, 1, 8)  # of the left part, the right part and the whole picture
_RESNEXT_CHANNEL = (2, 5, 9)  # the first of three
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_BF16 = ("avx512_bf16", "amx_bf16")  # processors that multiply such numbers, three times as fast as float32
_AT_ONCE = {"cpu": 8, "cuda": 128}  # parts of pictures; a processor's cache holds no more
_Part: TypeAlias = tuple[int, int, Image]
"""Number of the picture, number of the region (left, right, whole), and what is seen there."""


class Embedder:
    """Turns frames into embeddings; an extractor, see `ademan.extraction`.

    Args:
        config: which networks, which parts of a picture, and on what they run.
        weights: of each network; by default those that `config` names.

    Raises:
        LandmarkError: weights cannot be had, or are not those of such a network.
        ConfigError: there is no such device.
    """

    def __init__(self, config: EmbedConfig | None = None, weights: Mapping[str, Weights] | None = None) -> None:
        self.config = config or EmbedConfig()
        self._device = _device(self.config.device)
        self.precision = _precision(self.config.precision, self._device)
        self.batch = self.config.batch or _AT_ONCE[self._device.type]
        self._weights = dict(weights or find_weights(self.config))
        dtype = _DTYPES[self.precision]
        self._vit = load_vit(self._weights["vit"], self._device, dtype)
        self._resnext = load_resnext(self._weights["resnext"], self._device, dtype)
        self._regions = _regions(self.config, self._weights)

    @property
    def skeleton(self) -> Skeleton:
        """Names the 12 channels."""
        return EMBEDDING

    @property
    def networks(self) -> dict[str, str]:
        """The SHA-256 of the weights of each network, those that find hands among them."""
        sums = {kind: weights.sha256 for kind, weights in self._weights.items()}
        by_points = self.config.regions == "hands" and not self.config.detector
        return sums | (checksums("hands") if by_points else {})

    def told(self) -> dict[str, str]:
        """Return what a dataset keeps of how pictures were embedded: names of weights, and never where they lie.

        Batch and device are no part of it: they change a value by less than its last digits.
        """
        names = {kind: weights.name for kind, weights in self._weights.items()}
        return {"detector": "", **names, "regions": self.config.regions, "precision": self.precision}

    def find(self, frame: Frame) -> Points:
        """Return the embedding (12, 768) float32 of a frame; NaN for a hand that was not found."""
        return np.asarray(self.embed([frame.image_rgb])[0])

    def embed(self, images: Sequence[Image]) -> Points:
        """Return the embeddings (n, 12, 768) float32 of pictures (H, W, 3), of one size or of several.

        Raises:
            LandmarkError: the memory of the GPU does not suffice.
        """
        out = np.full((len(images), len(EMBEDDING), VIT_WIDTH), np.nan, np.float32)
        parts = list(self._parts(images))
        try:
            with torch.inference_mode():
                for start in range(0, len(parts), self.batch):
                    self._fill(out, parts[start : start + self.batch])
        except torch.OutOfMemoryError as error:
            raise LandmarkError(
                f"{self.batch} parts of pictures at once are too much for the memory of the GPU. "
                f"Use fewer:  --batch {max(1, self.batch // 2)}"
            ) from error
        return out

    def reset(self) -> None:
        """Nothing is followed from frame to frame."""

    def close(self) -> None:
        """Let go of the networks that find hands."""
        self._regions.close()

    def _parts(self, images: Sequence[Image]) -> Iterator[_Part]:
        """Give left and right parts, then whole pictures: those of one size come after each other."""
        found = [self._regions.boxes(image) for image in images]
        for regions in ((0, 1), (2,)):
            for number, (image, boxes) in enumerate(zip(images, found, strict=True)):
                for region in regions:
                    if (box := boxes[region]) is not None:
                        x0, y0, x1, y1 = box
                        yield number, region, image[y0:y1, x0:x1]

    def _fill(self, out: Points, parts: Sequence[_Part]) -> None:
        """Put the vectors of both networks into the channels (n, 12, 768) where they belong."""
        pictures = [picture for _, _, picture in parts]
        vit, resnext = self._vectors(pictures)
        number, region = np.array([part[:2] for part in parts]).T
        channel = np.array(_VIT_CHANNEL)[region]
        out[number, channel] = _widened(vit, VIT_WIDTH)
        pieces = _widened(resnext, _PIECES * VIT_WIDTH).reshape(-1, _PIECES, VIT_WIDTH)
        first = np.array(_RESNEXT_CHANNEL)[region]
        out[number[:, None], first[:, None] + np.arange(_PIECES)] = pieces

    def _vectors(self, pictures: Sequence[Image]) -> list[NDArray[np.float32]]:
        """Return the vectors (n, width) of pictures by the transformer and by the ResNeXt."""
        sized: dict[tuple[tuple[int, int], str], Tensor] = {}  # both mostly want the same
        vectors = []
        for network in (self._vit, self._resnext):
            wanted = network.preprocessing
            key = wanted.size_wh, wanted.filter
            if key not in sized:
                sized[key] = resized(pictures, wanted, self._device)
            vectors.append(network(sized[key]))
        return [vector.cpu().numpy() for vector in vectors]


def reopened(made: Mapping[str, Any], device: Device = "auto", precision: Precision = "auto") -> Embedder:
    """Return the embedder that a dataset was made with; see `ademan.embeddings.open_embedder`."""
    config = config_as_made(made, device, precision)
    weights = find_weights(config, by_name=True)
    check_same(weights, made.get("networks"))
    return Embedder(config, weights)


def resized(pictures: Sequence[Image], wanted: Preprocessing, device: torch.device) -> Tensor:
    """Return pictures of any sizes as (n, 3, H, W) float32 from 0 to 255, of the size that a network wants.

    Pictures of one size are resized together, with antialiasing, and rounded to whole numbers as Pillow does.
    """
    width, height = wanted.size_wh
    out = torch.empty(len(pictures), 3, height, width, device=device)
    shapes: dict[tuple[int, ...], list[int]] = {}
    for number, picture in enumerate(pictures):
        shapes.setdefault(picture.shape, []).append(number)
    for numbers in shapes.values():
        stacked = torch.from_numpy(np.stack([pictures[number] for number in numbers])).to(device).permute(0, 3, 1, 2)
        # Processors have a quicker way for bytes, GPUs have none.
        source = stacked if device.type == "cpu" else stacked.float()
        small = torch.nn.functional.interpolate(source, (height, width), mode=wanted.filter, antialias=True)
        out[torch.tensor(numbers, device=device)] = small.float().round().clamp(0, 255)
    return out


def _widened(vectors: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Return vectors (n, w) filled up with zeros to (n, width)."""
    return np.pad(vectors, ((0, 0), (0, width - vectors.shape[1])))


def _device(wanted: Device) -> torch.device:
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device 'cuda': this torch finds no GPU. Use  --device cpu  or install a torch for CUDA.")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def _precision(wanted: Precision, device: torch.device) -> Precision:
    if wanted != "auto":
        return wanted
    if device.type == "cpu":
        can: Mapping[str, Any] = torch.cpu.get_capabilities()
        return "bf16" if any(can.get(name) for name in _BF16) else "fp32"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"


def _regions(config: EmbedConfig, weights: Mapping[str, Weights]) -> Finder:
    if config.regions == "halves":
        return Halves()
    if config.detector:
        return HandsByDetector(YoloDetector(weights["detector"].path))
    return HandsByPoints(open_landmarker())
