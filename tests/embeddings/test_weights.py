"""Where weights are looked for, and what is said if they are not there."""

from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants

from ademan.embeddings import EmbedConfig
from ademan.embeddings.weights import Weights, check_same, find_weights
from ademan.errors import LandmarkError
from ademan.files import sha256

V2 = "resnext50_32x4d-1a0047aa.pth"


@pytest.fixture(autouse=True)
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches that are empty, and clients that know of no network."""

    def refuse(url: str, place: str, **more: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)


def test_places_on_this_machine_are_taken_as_they_are(vit_folder: Path, resnext_file: Path) -> None:
    found = find_weights(EmbedConfig(vit=str(vit_folder), resnext=str(resnext_file)))
    assert found["vit"] == Weights("small_vit", vit_folder, sha256(vit_folder / "model.safetensors"))
    assert found["resnext"] == Weights("resnext.pth", resnext_file, sha256(resnext_file))


def test_weights_brought_by_hand_are_found_by_the_environment(
    vit_folder: Path, resnext_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADEMAN_VIT", str(vit_folder))
    monkeypatch.setenv("ADEMAN_RESNEXT", str(resnext_file))
    monkeypatch.setenv("ADEMAN_DETECTOR", str(resnext_file))
    config = EmbedConfig(vit="someone/vit", regions="hands", detector="hands.onnx")
    for by_name in (False, True):
        found = find_weights(config, by_name=by_name)
        assert [weights.name for weights in found.values()] == ["someone/vit", "IMAGENET1K_V2", "hands.onnx"]
        assert [weights.path for weights in found.values()] == [vit_folder, resnext_file, resnext_file]


def test_what_a_bundle_says_is_never_taken_for_a_place(vit_folder: Path, resnext_file: Path) -> None:
    config = EmbedConfig(vit=str(vit_folder), resnext=str(resnext_file))
    with pytest.raises(LandmarkError, match="it is no id OWNER/NAME"):
        find_weights(config, by_name=True)


def test_the_environment_must_name_what_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ADEMAN_VIT", str(tmp_path / "nothing"))
    with pytest.raises(LandmarkError, match=r"ADEMAN_VIT says that weights are in .*nothing, but there is nothing"):
        find_weights(EmbedConfig())


def test_a_transformer_that_cannot_be_fetched_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(LandmarkError) as caught:
        find_weights(EmbedConfig())
    lines = str(caught.value).splitlines()
    assert "'dima806/hand_gestures_image_detection' could not be had" in lines[0]
    assert f"looked for in {tmp_path / 'hub'}" in lines[1]
    assert lines[2].startswith("  hf download dima806/hand_gestures_image_detection config.json")
    assert "export ADEMAN_VIT=" in lines[3]


def test_a_transformer_in_the_hubs_cache_is_used(vit_folder: Path, resnext_file: Path, tmp_path: Path) -> None:
    place = tmp_path / "hub" / "models--someone--vit"
    snapshot = place / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("0" * 40)
    for file in vit_folder.iterdir():
        (snapshot / file.name).write_bytes(file.read_bytes())
    found = find_weights(EmbedConfig(vit="someone/vit", resnext=str(resnext_file)), by_name=False)
    assert found["vit"].path == snapshot
    (snapshot / "model.safetensors").unlink()
    with pytest.raises(LandmarkError, match="'someone/vit' could not be had"):
        find_weights(EmbedConfig(vit="someone/vit", resnext=str(resnext_file)))


def test_imagenet_weights_are_looked_for_in_torchs_cache(vit_folder: Path, tmp_path: Path) -> None:
    config = EmbedConfig(vit=str(vit_folder))
    with pytest.raises(LandmarkError) as caught:
        find_weights(config)
    message = str(caught.value)
    assert "'IMAGENET1K_V2' of ResNeXt50-32x4d could not be had: Name or service not known." in message
    assert f"looked for in {tmp_path / 'torch' / 'checkpoints'}" in message
    assert f"/{V2}\n" in message
    assert "export ADEMAN_RESNEXT=" in message
    (tmp_path / "torch" / "checkpoints" / V2).write_bytes(b"weights")
    assert find_weights(config)["resnext"].path.name == V2


def test_imagenet_weights_are_fetched_and_proven(
    vit_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def fetch(url: str, place: str, hash_prefix: str, progress: bool) -> None:
        asked.append((url.rsplit("/", 1)[-1], hash_prefix))
        Path(place).write_bytes(b"weights")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    found = find_weights(EmbedConfig(vit=str(vit_folder)))
    assert asked == [(V2, "1a0047aa")]
    assert found["resnext"].path == tmp_path / "torch" / "checkpoints" / V2


def test_other_names_of_a_resnext_are_refused(vit_folder: Path) -> None:
    with pytest.raises(LandmarkError, match=r"no weights 'mine\.pth'.*IMAGENET1K_V1 or IMAGENET1K_V2.*ADEMAN_RESNEXT"):
        find_weights(EmbedConfig(vit=str(vit_folder), resnext="mine.pth"))


def test_a_detector_that_is_missing_says_how_to_make_one(vit_folder: Path, resnext_file: Path) -> None:
    config = EmbedConfig(vit=str(vit_folder), resnext=str(resnext_file), regions="hands", detector="x.onnx")
    with pytest.raises(LandmarkError, match=r"there is no detector x\.onnx.*yolo export.*\n.*ADEMAN_DETECTOR"):
        find_weights(config)


def test_a_folder_without_safetensors_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "vit"
    folder.mkdir()
    for name in ("config.json", "pytorch_model.bin"):
        (folder / name).write_text("{}")
    with pytest.raises(LandmarkError, match=r"expected config\.json, model\.safetensors.*pytorch_model\.bin"):
        find_weights(EmbedConfig(vit=str(folder)))


def test_weights_in_several_files_have_one_sum(vit_folder: Path, resnext_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vit"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    for number in (1, 2):
        (folder / f"model-0000{number}-of-00002.safetensors").write_bytes(bytes([number]))
    config = EmbedConfig(vit=str(folder), resnext=str(resnext_file))
    before = find_weights(config)["vit"].sha256
    (folder / "model-00002-of-00002.safetensors").write_bytes(b"other")
    assert find_weights(config)["vit"].sha256 != before


@pytest.mark.parametrize("expected", [None, {}, {"vit": "0" * 64}, {"vit": 3}])
def test_other_weights_than_those_of_the_training_are_refused(expected: object, tmp_path: Path) -> None:
    found = {"vit": Weights("a/b", tmp_path, "1" * 64)}
    check_same(found, {"vit": "1" * 64, "another": "x"})
    with pytest.raises(LandmarkError, match=r"learnt from what vit 'a/b'.*export ADEMAN_VIT=PLACE"):
        check_same(found, expected)
