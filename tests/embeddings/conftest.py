"""Small networks with random weights, in the files that real ones come in."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from ademan.embeddings import EmbedConfig
from ademan.embeddings.embedder import Embedder
from ademan.embeddings.resnext import ResNext50

HIDDEN = 32


@pytest.fixture(scope="session")
def vit_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vision transformer of two layers with a head for five classes, as the hub has them."""
    folder = tmp_path_factory.mktemp("weights") / "small_vit"
    return write_vit(folder, image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.4])


@pytest.fixture(scope="session")
def resnext_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ResNeXt50 of random weights."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "resnext.pth"
    head = {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}
    torch.save(ResNext50().state_dict() | head, path)
    return path


@pytest.fixture(scope="session")
def config(vit_folder: Path, resnext_file: Path) -> EmbedConfig:
    return EmbedConfig(vit=str(vit_folder), resnext=str(resnext_file), device="cpu", precision="fp32")


@pytest.fixture(scope="session")
def embedder(config: EmbedConfig) -> Embedder:
    return Embedder(config)


def write_vit(folder: Path, hidden: int = HIDDEN, size: int = 32, **preprocessing: object) -> Path:
    """Write a small transformer; with words for preprocessor_config.json, that file as well."""
    transformers: Any = importlib.import_module("transformers")
    transformers.utils.logging.disable_progress_bar()
    torch.manual_seed(0)
    shape = transformers.ViTConfig(
        hidden_size=hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        image_size=size,
        patch_size=8,
        num_labels=5,
    )
    transformers.ViTForImageClassification(shape).save_pretrained(folder)
    if preprocessing:
        told = {"size": {"height": size, "width": size}, "resample": 2, **preprocessing}
        (folder / "preprocessor_config.json").write_text(json.dumps(told))
    return folder
