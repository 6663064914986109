"""Where the weights of the networks lie: brought by hand, in a cache, or fetched; never in a dataset or bundle.

Weights are known by their SHA-256. A dataset keeps it, and so does the bundle of a model that learnt from it: with
other weights the numbers would mean something else, and the model would guess.

Nothing of them is ever run: a transformer is read from safetensors, a ResNeXt from there or by torch's reader of
bare tensors.
"""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ademan.embeddings.config import EmbedConfig, weights_name
from ademan.errors import LandmarkError, require
from ademan.files import sha256

VIT_VARIABLE, RESNEXT_VARIABLE, DETECTOR_VARIABLE = "ADEMAN_VIT", "ADEMAN_RESNEXT", "ADEMAN_DETECTOR"
"""Environment variables that say where weights lie that were brought by hand."""
_VARIABLES = {"vit": VIT_VARIABLE, "resnext": RESNEXT_VARIABLE, "detector": DETECTOR_VARIABLE}
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_VIT_FILES = ("config.json", "preprocessor_config.json", "model*.safetensors", "model.safetensors.index.json")


@dataclass(frozen=True)
class Weights:
    """Weights that are here.

    Args:
        name: what datasets call them.
        path: file, or folder of a transformer.
        sha256: of their content.
    """

    name: str
    path: Path
    sha256: str


def find_weights(config: EmbedConfig, *, by_name: bool = False) -> dict[str, Weights]:
    """Return the weights of each network: "vit", "resnext" and, if there is one, "detector".

    Args:
        config: names them, or says where they lie.
        by_name: `config` comes from a dataset or bundle: what it says are names, never places on this machine.

    Raises:
        LandmarkError: weights are neither here nor to be fetched; says how to bring them by hand.
    """
    wanted = {"vit": (config.vit, _fetched_vit), "resnext": (config.resnext, _fetched_resnext)}
    if config.detector:
        wanted["detector"] = (config.detector, _no_detector)
    found = {}
    for kind, (name, fetched) in wanted.items():
        path = _find(name, _VARIABLES[kind], fetched, by_name=by_name)
        found[kind] = Weights(weights_name(name), path, _digest(path))
    return found


def check_same(found: dict[str, Weights], expected: Any) -> None:
    """Refuse weights that are not those which a dataset was made with.

    Args:
        found: of each network.
        expected: the SHA-256 of each.

    Raises:
        LandmarkError: a sum is another one, or missing.
    """
    sums = expected if isinstance(expected, dict) else {}
    for kind, weights in found.items():
        if sums.get(kind) != weights.sha256:
            raise LandmarkError(
                f"the model learnt from what {kind} '{weights.name}' with SHA-256 {str(sums.get(kind))[:16]}... makes "
                f"of pictures; the weights in {weights.path} have SHA-256 {weights.sha256[:16]}...: their numbers mean "
                f"something else. Bring those weights, and say where they are:  export {_VARIABLES[kind]}=PLACE"
            )


def _find(name: str, variable: str, fetched: Callable[[str], Path], *, by_name: bool) -> Path:
    """Return where weights are: at the place that is named, where the environment says, or in a cache."""
    if not by_name and Path(name).exists():
        return Path(name)
    brought = os.environ.get(variable)
    if not brought:
        return fetched(name)
    if not Path(brought).exists():
        raise LandmarkError(f"{variable} says that weights are in {brought}, but there is nothing.")
    return Path(brought)


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of the weights in a folder: of several files, that of their sums."""
    if path.is_file():
        return sha256(path)
    if not _is_whole(path):
        raise LandmarkError(
            f"{path} is no folder of a vision transformer: expected config.json, model.safetensors and, if it has one, "
            f"preprocessor_config.json; found {', '.join(sorted(p.name for p in path.iterdir())[:8]) or 'nothing'}. "
            "Weights in other files, which may hold programs, are not read."
        )
    sums = [sha256(file) for file in sorted(path.glob("model*.safetensors"))]
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()


def _fetched_vit(name: str) -> Path:
    """Return the folder in the hub's cache, fetched if it is not there."""
    hub = require("huggingface_hub", feature="Embedding pictures", extra="embed")
    if not _HUB_ID.fullmatch(name):
        raise LandmarkError(_by_hand_vit(name, "it is no id OWNER/NAME of the Hugging Face hub, and no folder here"))
    try:
        folder = Path(hub.snapshot_download(name, allow_patterns=list(_VIT_FILES), local_files_only=True))
    except (OSError, ValueError):
        folder = None  # it is not there: that is what fetching is for
    if folder and _is_whole(folder):
        return folder
    try:
        folder = Path(hub.snapshot_download(name, allow_patterns=list(_VIT_FILES)))
    except _unreachable() as error:
        raise LandmarkError(_by_hand_vit(name, _why(error))) from error
    if not _is_whole(folder):
        raise LandmarkError(_by_hand_vit(name, f"{folder} lacks config.json or model.safetensors"))
    return folder


def _is_whole(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob("model*.safetensors"))


def _unreachable() -> tuple[type[Exception], ...]:
    """Return what a failing download ends in; the hub's client has errors of its own, and lets others through."""
    hub = require("huggingface_hub.errors", feature="Embedding pictures", extra="embed")
    return (hub.HfHubHTTPError, hub.LocalEntryNotFoundError, OSError, ValueError, RuntimeError)


def _by_hand_vit(name: str, why: str) -> str:
    cache = require("huggingface_hub.constants", feature="Embedding pictures", extra="embed").HF_HUB_CACHE
    return (
        f"the weights of the vision transformer '{name}' could not be had: {why}.\n"
        f"They are looked for in {cache}. To bring them by hand, on a machine with a network:\n"
        f"  hf download {name} config.json preprocessor_config.json model.safetensors --local-dir vit\n"
        f"Bring that folder here, and say where it is:  export {VIT_VARIABLE}=/path/to/vit"
    )


def _fetched_resnext(name: str) -> Path:
    """Return torchvision's file in torch's cache, fetched if it is not there."""
    hub = require("torch.hub", feature="Embedding pictures", extra="embed")
    from ademan.embeddings.resnext import WEIGHTS  # noqa: PLC0415 - it imports torch

    folder = Path(hub.get_dir()) / "checkpoints"
    if name not in WEIGHTS:
        raise LandmarkError(
            f"there are no weights '{name}' of ResNeXt50-32x4d: expected {' or '.join(WEIGHTS)}, or a checkpoint file. "
            f"If it is a file that was brought here, say where it is:  export {RESNEXT_VARIABLE}=/path/to/{name}"
        )
    url = WEIGHTS[name]
    path = folder / url.rsplit("/", 1)[-1]
    if path.is_file():
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        hub.download_url_to_file(url, str(path), hash_prefix=path.stem.rsplit("-", 1)[-1], progress=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise LandmarkError(
            f"the weights '{name}' of ResNeXt50-32x4d could not be had: {_why(error)}.\n"
            f"They are looked for in {folder}. To bring them by hand, fetch on a machine with a network:\n  {url}\n"
            f"Put the file there, or say where it is:  export {RESNEXT_VARIABLE}=/path/to/{path.name}"
        ) from error
    return path


def _no_detector(name: str) -> Path:
    raise LandmarkError(
        f"there is no detector {name}. Export a YOLO network that finds hands as ONNX, for instance of "
        "lewiswatson/yolov8x-tuned-hand-gestures:  yolo export model=best.pt format=onnx\n"
        f"Say where the file is:  --detector FILE.onnx, or, for a model that is trained:  "
        f"export {DETECTOR_VARIABLE}=/path/to/file.onnx"
    )


def _why(error: BaseException) -> str:
    """Return the first line of what went wrong; what follows it is advice for other programs."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
