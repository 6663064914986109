"""What a picture is embedded with, and what a dataset tells of it."""

from pathlib import Path
from typing import Any

import pytest

from ademan.embeddings.config import EmbedConfig, config_as_made, weights_name
from ademan.errors import BundleError, ConfigError

MADE = {"options": {"vit": "a/b", "resnext": "IMAGENET1K_V1", "regions": "hands", "detector": "", "frames": 8}}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"regions": "quarters"}, r"regions 'quarters' is unknown; choose among halves, hands\."),
        ({"device": "tpu"}, r"device 'tpu' is unknown; choose among auto, cpu, cuda\."),
        ({"precision": "int8"}, r"precision 'int8' is unknown; choose among auto, fp32, bf16, fp16\."),
        ({"batch": -1}, r"batch must be 0 or more, found -1\."),
        ({"detector": "hands.onnx"}, r"a detector finds hands: use it with  --regions hands"),
        ({"vit": ""}, r"vit and resnext each need a name"),
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        EmbedConfig(**wrong)


def test_weights_are_called_by_their_id_or_by_the_last_part_of_their_place(tmp_path: Path) -> None:
    (tmp_path / "net.pth").touch()
    assert weights_name(str(tmp_path / "net.pth")) == "net.pth"
    assert weights_name("owner/model") == "owner/model"
    assert weights_name("") == ""


def test_a_dataset_says_what_and_the_machine_says_on_what() -> None:
    assert config_as_made(MADE, "cpu", "bf16") == EmbedConfig(
        vit="a/b", resnext="IMAGENET1K_V1", regions="hands", device="cpu", precision="bf16"
    )


@pytest.mark.parametrize(
    "options",
    [None, {}, [], {**MADE["options"], "vit": 3}, {**MADE["options"], "regions": "x"}, {**MADE["options"], "vit": ""}],
)
def test_damaged_words_of_a_bundle_are_refused(options: object) -> None:
    with pytest.raises(BundleError, match="how pictures were embedded is damaged"):
        config_as_made({"options": options}, "auto", "auto")


def test_a_wrong_device_is_not_the_fault_of_the_bundle() -> None:
    with pytest.raises(ConfigError, match="device 'gpu' is unknown"):
        config_as_made(MADE, "gpu", "auto")  # type: ignore[arg-type]
