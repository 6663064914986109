"""Pictures in, 12 channels out: each in its place, and the same whichever pictures are with it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ademan.clip import Points
from ademan.embeddings import EmbedConfig, new_embedder, open_embedder
from ademan.embeddings.embedder import Embedder
from ademan.errors import ConfigError, LandmarkError
from ademan.extraction.embed import EmbedOptions, made_by
from ademan.skeleton import EMBEDDING
from ademan.video import Frame, Image

from .conftest import HIDDEN
from .test_detector import write_detector

ALIKE = 1e-4
"""Difference to which an embedding may depend on the pictures beside it: sums are made in another order."""


def noise(rng: np.random.Generator, width: int, height: int) -> Image:
    return rng.integers(0, 256, (height, width, 3), np.uint8)


def channels(start: str) -> list[int]:
    return [i for i, name in enumerate(EMBEDDING.points) if name.startswith(start)]


def test_a_frame_has_twelve_channels_of_768(embedder: Embedder, rng: np.random.Generator) -> None:
    found = embedder.find(Frame(noise(rng, 60, 40), 0.0))
    assert embedder.skeleton == EMBEDDING
    assert found.shape == (12, 768)
    assert found.dtype == np.float32
    assert not np.isnan(found).any()
    assert not found[[0, 1, 8], HIDDEN:].any()  # a small transformer's vector is filled up with zeros
    assert not found[[4, 7, 11], 2048 - 2 * 768 :].any()
    assert found.any(axis=1).all()


def test_each_channel_sees_its_part_of_the_picture(embedder: Embedder, rng: np.random.Generator) -> None:
    image = noise(rng, 60, 40)
    left, right = np.ascontiguousarray(image[:, :30]), np.ascontiguousarray(image[:, 30:])
    swapped = np.concatenate([right, left], axis=1)
    found, other, alone = embedder.embed([image, swapped, left])
    np.testing.assert_allclose(found[channels("left")], other[channels("right")], atol=ALIKE)
    np.testing.assert_allclose(found[channels("right")], other[channels("left")], atol=ALIKE)
    np.testing.assert_allclose(found[channels("left")], alone[channels("whole")], atol=ALIKE)
    assert np.abs(found[channels("left")] - found[channels("right")]).max() > 0.01
    assert np.abs(found[channels("whole")] - other[channels("whole")]).max() > 0.01


def test_an_embedding_does_not_depend_on_the_pictures_beside_it(config: EmbedConfig, rng: np.random.Generator) -> None:
    images = [noise(rng, 60, 40), noise(rng, 50, 50), noise(rng, 60, 40)]
    embedder = Embedder(replace(config, batch=4))
    together = embedder.embed(images)
    for image, found in zip(images, together, strict=True):
        np.testing.assert_allclose(embedder.embed([image])[0], found, atol=ALIKE)
    np.testing.assert_array_equal(embedder.embed(images), together)
    assert embedder.embed([]).shape == (0, 12, 768)


def test_half_precision_is_near_to_full(config: EmbedConfig, embedder: Embedder, rng: np.random.Generator) -> None:
    images = [noise(rng, 60, 40), noise(rng, 60, 40)]
    half = Embedder(replace(config, precision="bf16"))
    together = half.embed(images)
    assert together.dtype == np.float32
    assert cosine(embedder.embed(images), together).min() > 0.999
    assert cosine(half.embed(images[:1]), together[:1]).min() > 0.9999


def cosine(one: Points, other: Points) -> Points:
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return np.asarray((one * other).sum(axis=-1) / lengths, np.float32)


def test_a_hand_that_is_not_found_is_missing(config: EmbedConfig, tmp_path: Path, rng: np.random.Generator) -> None:
    detector = write_detector(tmp_path / "hands.onnx", [[48, 32, 12, 12, 0.9]])  # one hand, on the right
    embedder = Embedder(replace(config, regions="hands", detector=str(detector)))
    image = noise(rng, 64, 64)
    found, crop = embedder.embed([image, np.ascontiguousarray(image[26:38, 42:54])])
    assert np.isnan(found[channels("left")]).all()
    np.testing.assert_allclose(found[channels("right")], crop[channels("whole")], atol=ALIKE)
    assert not np.isnan(found[channels("whole")]).any()
    embedder.close()


def test_hands_of_a_real_picture_are_found_by_our_own_networks(config: EmbedConfig, real_data: Path) -> None:
    from ademan.video import VideoFile

    frame = list(VideoFile(real_data / "home-gestures" / "raw_videos" / "num5" / "num5_s1_1.mp4"))[10]
    embedder = Embedder(replace(config, regions="hands"))
    found = embedder.find(frame)
    seen = [not np.isnan(found[channels(side)]).any() for side in ("left", "right")]
    assert any(seen)
    assert set(embedder.networks) == {"vit", "resnext", "palm_detection_full", "hand_landmark_full"}
    embedder.close()


def test_an_embedder_is_opened_again_from_what_its_dataset_says(
    embedder: Embedder, config: EmbedConfig, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    made = made_by(embedder, EmbedOptions())
    assert str(Path(config.vit).parent) not in str(made)
    assert made["options"]["vit"] == "small_vit"
    with pytest.raises(LandmarkError, match=r"'small_vit' could not be had(?s:.*)export ADEMAN_VIT="):
        open_embedder(made)
    monkeypatch.setenv("ADEMAN_VIT", config.vit)
    monkeypatch.setenv("ADEMAN_RESNEXT", config.resnext)
    again = open_embedder(made, "cpu", "fp32")
    image = noise(rng, 60, 40)
    np.testing.assert_array_equal(again.embed([image]), embedder.embed([image]))
    made["networks"]["resnext"] = "0" * 64
    with pytest.raises(LandmarkError, match=r"learnt from what resnext 'resnext\.pth' with SHA-256 0000000000000000"):
        open_embedder(made)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(config: EmbedConfig) -> None:
    with pytest.raises(ConfigError, match="device 'cuda': this torch finds no GPU"):
        new_embedder(replace(config, device="cuda"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_answers_as_a_processor_does(config: EmbedConfig, embedder: Embedder, rng: np.random.Generator) -> None:
    images = [noise(rng, 60, 40), noise(rng, 50, 50)]
    expected = embedder.embed(images)
    assert cosine(Embedder(replace(config, device="cuda")).embed(images), expected).min() > 0.9999
    assert cosine(Embedder(replace(config, device="cuda", precision="auto")).embed(images), expected).min() > 0.999


def test_too_little_memory_names_the_batch(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(embedder, "_fill", full)
    with pytest.raises(LandmarkError, match=r"8 parts of pictures at once are too much.*--batch 4"):
        embedder.embed([np.zeros((8, 8, 3), np.uint8)])


@pytest.mark.parametrize(("can", "expected"), [({"amx_bf16": True}, "bf16"), ({"avx2": True}, "fp32"), ({}, "fp32")])
def test_precision_is_chosen_by_the_processor(
    config: EmbedConfig, monkeypatch: pytest.MonkeyPatch, can: dict[str, bool], expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: can)
    assert Embedder(replace(config, precision="auto")).precision == expected


def test_what_a_dataset_keeps_are_names(embedder: Embedder) -> None:
    assert embedder.told() == {
        "vit": "small_vit",
        "resnext": "resnext.pth",
        "detector": "",
        "regions": "halves",
        "precision": "fp32",
    }
