"""Embeddings of pictures beside the plain loop: one frame, one part of it, one network at a time.

    .venv/bin/python benchmarks/embedding.py [--full] [--frames 8] [--rounds 3] [--device auto] [--precision auto]

Both have the same weights, which are random, and the same pictures; they take turns, so that a busy machine slows both
down alike. What counts is the ratio of the medians. The loop is written as the examples of the two libraries are: the
picture is cut in Pillow, prepared by transformers' own processor or by hand, and each network is called with one part
at full precision. Their vectors must agree. In the end one clip of 32 frames is embedded, as `ademan predict` does it.

Without --full the transformer has two layers, which says little of its speed; with it, it has the size of ViT-base.
"""

import argparse
import importlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as PilImage

from ademan.clip import Points
from ademan.embeddings import EmbedConfig, new_embedder
from ademan.embeddings.networks import RESNEXT_PREPROCESSING
from ademan.embeddings.resnext import ResNext50
from ademan.video import Image

CLIP_FRAMES = 32
FULL = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
SMALL = {"hidden_size": 192, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 768}


def main() -> None:
    options = arguments()
    rng = np.random.default_rng(0)
    width, height = options.size
    images = [made_up(rng, width, height) for _ in range(CLIP_FRAMES)]
    with tempfile.TemporaryDirectory() as folder:
        vit, resnext = write_weights(Path(folder), FULL if options.full else SMALL)
        config = EmbedConfig(
            vit=str(vit), resnext=str(resnext), device=options.device, precision=options.precision, batch=options.batch
        )
        embedder, loop = new_embedder(config), PlainLoop(vit, resnext, options.device)
    some = images[: options.frames]
    ours, theirs = embedder.embed(some[:2]), loop.embed(some[:2])
    print(f"{embedder.precision}, least cosine of a channel to that of the loop: {least(ours, theirs):.5f}")
    times: dict[str, list[float]] = {"loop": [], "ademan": []}
    for number in range(options.rounds):
        order = (("loop", loop.embed), ("ademan", embedder.embed))
        for name, work in order if number % 2 == 0 else order[::-1]:
            times[name].append(seconds(lambda work=work: work(some)))  # type: ignore[misc]
    for name, taken in times.items():
        rates = sorted(len(some) / one for one in taken)
        print(f"{name:7} {len(some) / statistics.median(taken):8.2f} frames/s  ({rates[0]:.2f} to {rates[-1]:.2f})")
    ratios = [slow / quick for slow, quick in zip(times["loop"], times["ademan"], strict=True)]
    ratio = statistics.median(times["loop"]) / statistics.median(times["ademan"])
    print(f"ratio   {ratio:8.2f}            ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"one clip of {CLIP_FRAMES} frames: {seconds(lambda: embedder.embed(images)):.2f} s")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="a transformer of the size of ViT-base")
    parser.add_argument("--frames", type=int, default=8, help="pictures of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, nargs=2, default=(1280, 720), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--batch", type=int, default=EmbedConfig.batch)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    return parser.parse_args()


class PlainLoop:
    """One frame after the other, one part after the other, one network after the other."""

    def __init__(self, vit: Path, resnext: Path, device: str) -> None:
        on_gpu = device != "cpu" and torch.cuda.is_available()
        self.device = torch.device("cuda" if on_gpu else "cpu")
        transformers: Any = importlib.import_module("transformers")
        module: Any = importlib.import_module("transformers.models.vit.image_processing_pil_vit")
        self.processor = module.ViTImageProcessorPil.from_pretrained(vit)
        self.vit = transformers.ViTModel.from_pretrained(vit, add_pooling_layer=False).eval().to(self.device)
        self.resnext = ResNext50()
        self.resnext.load_state_dict(torch.load(resnext, weights_only=True))
        self.resnext.eval().to(self.device)

    def embed(self, images: list[Image]) -> Points:
        """Return the embeddings (n, 12, 768) of pictures."""
        return np.stack([self.embed_one(PilImage.fromarray(image)) for image in images])

    def embed_one(self, picture: PilImage.Image) -> Points:
        """Return the embedding (12, 768) of a picture."""
        width, height = picture.size
        boxes = ((0, 0, width // 2, height), (width // 2, 0, width, height), (0, 0, width, height))
        vits, resnexts = [], []
        for box in boxes:
            part = picture.crop(box)
            with torch.no_grad():
                prepared = self.processor(part, return_tensors="pt").to(self.device)
                vits.append(self.vit(**prepared).last_hidden_state.mean(dim=1)[0].cpu().numpy())
                resnexts.append(self.resnext(self.prepared(part))[0].cpu().numpy())
        filled = [np.pad(v, (0, 768 - len(v)))[None] for v in vits]
        pieces = [np.pad(r, (0, 3 * 768 - len(r))).reshape(3, 768) for r in resnexts]
        return np.concatenate([*filled[:2], *pieces[:2], filled[2], pieces[2]]).astype(np.float32)

    def prepared(self, part: PilImage.Image) -> torch.Tensor:
        """Return a part of a picture as the ResNeXt wants it: (1, 3, 224, 224)."""
        told = RESNEXT_PREPROCESSING
        small = np.asarray(part.resize(told.size_wh, PilImage.Resampling.BILINEAR), np.float32) / 255
        normal = (small - np.array(told.mean, np.float32)) / np.array(told.std, np.float32)
        return torch.from_numpy(normal.transpose(2, 0, 1)[None].copy()).to(self.device)


def write_weights(folder: Path, shape: dict[str, int]) -> tuple[Path, Path]:
    """Write both networks with random weights, as the hub and torch have them."""
    transformers: Any = importlib.import_module("transformers")
    transformers.utils.logging.disable_progress_bar()
    torch.manual_seed(0)
    transformers.ViTModel(transformers.ViTConfig(**shape), add_pooling_layer=False).save_pretrained(folder / "vit")
    told = {"size": {"height": 224, "width": 224}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2}
    (folder / "vit" / "preprocessor_config.json").write_text(json.dumps(told))
    torch.save(ResNext50().state_dict(), folder / "resnext.pth")
    return folder / "vit", folder / "resnext.pth"


def made_up(rng: np.random.Generator, width: int, height: int) -> Image:
    """Return a picture of blocks: noise alone would be grey when it is made smaller."""
    blocks = rng.integers(0, 256, (9, 16, 3), np.uint8)
    return np.asarray(PilImage.fromarray(blocks).resize((width, height), PilImage.Resampling.BICUBIC), np.uint8)


def least(one: Points, other: Points) -> float:
    """Return the least cosine between vectors of the same channel."""
    cosines = (one * other).sum(axis=-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(other, axis=-1)
    return float(cosines.min())


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
