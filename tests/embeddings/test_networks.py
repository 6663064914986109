"""The networks: what they answer is what their own libraries answer, and files are read as data alone."""

import importlib
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PilImage
from safetensors.torch import save_file

from ademan.embeddings.embedder import resized
from ademan.embeddings.networks import (
    RESNEXT_PREPROCESSING,
    VIT_PREPROCESSING,
    PictureNetwork,
    Preprocessing,
    load_resnext,
    load_vit,
)
from ademan.embeddings.resnext import ResNext50
from ademan.embeddings.weights import Weights
from ademan.errors import LandmarkError
from ademan.video import Image

from .conftest import HIDDEN, write_vit

CPU = torch.device("cpu")


def vit(folder: Path) -> PictureNetwork:
    return load_vit(Weights(folder.name, folder, ""), CPU, torch.float32)


def resnext(path: Path) -> PictureNetwork:
    return load_resnext(Weights(path.name, path, ""), CPU, torch.float32)


@pytest.fixture
def image() -> Image:
    """A picture with edges and slopes."""
    y, x = np.mgrid[:60, :90]
    return np.stack([2 * x, 4 * y, 255 * ((x // 9 + y // 9) % 2)], axis=2).astype(np.uint8)


def test_the_transformer_answers_as_transformers_does(vit_folder: Path, image: Image) -> None:
    transformers: Any = importlib.import_module("transformers")
    processor: Any = importlib.import_module("transformers.models.vit.image_processing_pil_vit")
    network = vit(vit_folder)
    theirs = transformers.ViTModel.from_pretrained(vit_folder, add_pooling_layer=False).eval()
    prepared = processor.ViTImageProcessorPil.from_pretrained(vit_folder)(
        PilImage.fromarray(image), return_tensors="pt"
    )
    with torch.inference_mode():
        expected = theirs(**prepared).last_hidden_state.mean(dim=1)
        found = network(resized([image], network.preprocessing, CPU))
    assert found.shape == (1, HIDDEN)
    # Pillow and torch round differently by one in some pixels.
    torch.testing.assert_close(found, expected, atol=5e-3, rtol=0)


def test_pictures_are_resized_as_pillow_does(image: Image) -> None:
    for name, way in (("bilinear", PilImage.Resampling.BILINEAR), ("bicubic", PilImage.Resampling.BICUBIC)):
        small = resized([image], Preprocessing((32, 24), (0.0,) * 3, (1.0,) * 3, name), CPU)
        expected = np.asarray(PilImage.fromarray(image).resize((32, 24), way)).transpose(2, 0, 1)
        assert np.abs(small[0].numpy() - expected).max() <= 1


def test_a_transformer_that_says_nothing_is_prepared_for_as_usual(tmp_path: Path) -> None:
    assert vit(write_vit(tmp_path / "vit", size=224)).preprocessing == VIT_PREPROCESSING


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"size": 40}, Preprocessing((40, 40), (0.5,) * 3, (0.5,) * 3)),
        ({"size": {"shortest_edge": 40}, "resample": 3}, Preprocessing((40, 40), (0.5,) * 3, (0.5,) * 3, "bicubic")),
        (
            {"size": {"height": 50, "width": 50}, "do_center_crop": True, "crop_size": {"height": 40, "width": 40}},
            Preprocessing((40, 40), (0.5,) * 3, (0.5,) * 3),
        ),
        (
            {"size": 40, "do_normalize": False, "do_rescale": False, "image_mean": [0.1, 0.1, 0.1]},
            Preprocessing((40, 40), (0.0,) * 3, (1.0,) * 3, scale=1.0),
        ),
    ],
)
def test_preprocessing_is_read_in_all_its_forms(tmp_path: Path, told: dict[str, object], expected: object) -> None:
    folder = write_vit(tmp_path / "vit", size=40)
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    assert vit(folder).preprocessing == expected


@pytest.mark.parametrize("said", ["{", "[]", '{"size": {"height": 3}}', '{"size": 9999}', '{"image_mean": [1]}'])
def test_damaged_preprocessing_is_refused(vit_folder: Path, tmp_path: Path, said: str) -> None:
    folder = shutil.copytree(vit_folder, tmp_path / "vit")
    (folder / "preprocessor_config.json").write_text(said)
    with pytest.raises(LandmarkError, match=r"preprocessor_config\.json does not say how pictures are prepared"):
        vit(folder)


def test_a_damaged_transformer_is_refused(vit_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(vit_folder, tmp_path / "vit")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(LandmarkError, match="is no vision transformer that can be used"):
        vit(folder)
    (folder / "config.json").write_text('{"model_type": "unheard_of"}')
    with pytest.raises(LandmarkError, match="is no vision transformer that can be used"):
        vit(folder)


def test_weights_that_are_missing_are_not_made_up(vit_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    folder = shutil.copytree(vit_folder, tmp_path / "vit")
    state = load_file(folder / "model.safetensors")
    del state["vit.layernorm.weight"]
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(LandmarkError, match=r"lacks 1 of the weights that its config\.json promises"):
        vit(folder)


def test_vectors_of_more_than_a_channel_are_refused(tmp_path: Path) -> None:
    folder = write_vit(tmp_path / "vit", hidden=770, image_mean=[0.5, 0.5, 0.5])
    with pytest.raises(LandmarkError, match=r"makes vectors of 770 numbers; a channel has 768"):
        vit(folder)


def test_checkpoints_of_all_forms_give_the_same_vectors(resnext_file: Path, tmp_path: Path, image: Image) -> None:
    state = torch.load(resnext_file, weights_only=True)
    other_head = {**state, "fc.weight": torch.zeros(7, 2048), "fc.bias": torch.zeros(7)}
    module = {f"module.{name}": value for name, value in other_head.items()}
    deep = {f"model.hagrid_model.{name}": value for name, value in other_head.items()}
    for name, content in {
        "state.pth": {"MODEL_STATE": module, "epoch": 3},
        "prefix.pth": {"state_dict": deep},
        "bare.pt": other_head,
    }.items():
        torch.save(content, tmp_path / name)
    save_file(state, tmp_path / "net.safetensors")
    bare = ResNext50().eval()
    bare.load_state_dict({name: value for name, value in state.items() if not name.startswith("fc.")})
    pictures = resized([image], RESNEXT_PREPROCESSING, CPU)
    mean, std = (torch.tensor(v)[:, None, None] for v in (RESNEXT_PREPROCESSING.mean, RESNEXT_PREPROCESSING.std))
    with torch.inference_mode():
        expected = bare((pictures / 255 - mean) / std)
        for name in ("state.pth", "prefix.pth", "bare.pt", "net.safetensors"):
            torch.testing.assert_close(resnext(tmp_path / name)(pictures), expected, atol=1e-5, rtol=1e-4)


class Evil:
    """What is called when a pickle of it is read carelessly."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("was_run"),))


def test_a_checkpoint_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"MODEL_STATE": Evil()}, "evil.pth")
    Path("bare.pkl").write_bytes(pickle.dumps(Evil()))
    for name in ("evil.pth", "bare.pkl"):
        with pytest.raises(LandmarkError, match="cannot be read as weights"):
            resnext(Path(name))
    assert not Path("was_run").exists()


@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04"])
def test_files_that_are_no_checkpoint_are_refused(tmp_path: Path, content: bytes) -> None:
    for name in ("net.pth", "net.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(LandmarkError, match=f"{name} cannot be read as weights"):
            resnext(tmp_path / name)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    smaller = {name: value for name, value in ResNext50().state_dict().items() if not name.startswith("layer4")}
    torch.save(smaller, tmp_path / "resnet18.pth")
    with pytest.raises(LandmarkError, match=r"does not hold the weights of a ResNeXt50-32x4d: \d+ of \d+ are missing"):
        resnext(tmp_path / "resnet18.pth")
    torch.save({"a": torch.zeros(3)}, tmp_path / "none.pth")
    with pytest.raises(LandmarkError, match=r"expected one first layer 'conv1\.weight'.* found 0 among 1 tensors"):
        resnext(tmp_path / "none.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(LandmarkError, match="found 0 among 0 tensors"):
        resnext(tmp_path / "list.pth")
