"""The networks' files: fetched once, proven by their SHA-256, and kept in the user's cache.

They are MediaPipe's own, under the Apache licence 2.0. The package of MediaPipe 0.10.21 is the one place from which
all four can be had together; it is fetched with pip, unpacked, and thrown away: none of its code is run.
"""

import hashlib
import logging
import os
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from ademan.errors import LandmarkError
from ademan.files import sha256, written_whole

log = logging.getLogger("ademan.landmarks")
FOLDER_VARIABLE = "ADEMAN_MODELS"
"""Environment variable: a folder to keep the files in, instead of the user's cache."""
WHEEL = "mediapipe==0.10.21"
State = Literal["there", "missing", "damaged"]


@dataclass(frozen=True)
class ModelFile:
    """One network.

    Args:
        name: the file is called `<name>.tflite`.
        member: its path in the package that carries it.
        size: in bytes.
        sha256: of its content.
        finds: in words.
    """

    name: str
    member: str
    size: int
    sha256: str
    finds: str

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return folder() / f"{self.name}.tflite"

    def state(self) -> State:
        """Whether it is there and whole.

        Raises:
            LandmarkError: it cannot be read.
        """
        try:
            size = self.path.stat().st_size
            return "there" if size == self.size and sha256(self.path) == self.sha256 else "damaged"
        except (FileNotFoundError, NotADirectoryError):
            return "missing"
        except OSError as error:
            raise LandmarkError(
                f"{error.filename or self.path} cannot be read: {error.strerror}. "
                f"Change its rights, or name another folder by {FOLDER_VARIABLE}."
            ) from error

    def keep(self, content: bytes) -> None:
        """Put it into its place."""
        with written_whole(self.path) as beside:
            beside.write_bytes(content)


MODELS = {
    model.name: model
    for model in (
        ModelFile(
            "palm_detection_full",
            "mediapipe/modules/palm_detection/palm_detection_full.tflite",
            2_339_846,
            "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
            "palms in a picture",
        ),
        ModelFile(
            "hand_landmark_full",
            "mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
            5_478_917,
            "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
            "21 points of a hand",
        ),
        ModelFile(
            "pose_detection",
            "mediapipe/modules/pose_detection/pose_detection.tflite",
            2_959_046,
            "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
            "people in a picture",
        ),
        ModelFile(
            "pose_landmark_full",
            "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
            6_440_512,
            "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
            "33 points of a body",
        ),
    )
}
"""The sums are those of the files in the package that WHEEL names; `tests/landmarks/test_model_files.py` proves it."""
_HANDS, _POSE = ("palm_detection_full", "hand_landmark_full"), ("pose_detection", "pose_landmark_full")
_USED_BY = {"hands": _HANDS, "pose": _POSE, "holistic": (*_POSE, *_HANDS)}
UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, KeyError, OSError, EOFError, RuntimeError, ValueError)
"""What reading a damaged archive can end in: zipfile hides none of what its parts raise."""
_proven: dict[Path, tuple[int, int]] = {}  # size and time of change of files that this process has looked at


def folder() -> Path:
    """Return where the files are kept."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else platformdirs.user_cache_path("ademan") / "models"


def checksums(landmarks: str) -> dict[str, str]:
    """Return the SHA-256 of each network that finds these landmarks."""
    return {name: MODELS[name].sha256 for name in _USED_BY[landmarks]}


def model_file(name: str, tell: Callable[[str], None] | None = None) -> Path:
    """Return the path of a network; it is fetched if it is missing or damaged.

    Args:
        name: a key of MODELS.
        tell: told, in one line, of a fetch; by default it is logged, or written to standard error.

    Raises:
        LandmarkError: it cannot be fetched.
    """
    model = MODELS[name]
    if not _is_proven(model):
        if model.state() != "there":
            (tell or _say)(f"fetching the networks that find hands and bodies (36 MB, once) into {folder()}")
            fetch()
        stat = model.path.stat()
        _proven[model.path] = stat.st_size, stat.st_mtime_ns
    return model.path


def fetch(source: Path | None = None) -> list[ModelFile]:
    """Bring all networks into their place, and return those that were brought.

    Args:
        source: the package's file (.whl), or a folder with the .tflite files; by default pip is asked for it.

    Raises:
        LandmarkError: they cannot be had, or are not what they should be.
    """
    if source is not None:
        return _bring(source)
    with tempfile.TemporaryDirectory() as place:
        return _bring(_downloaded(Path(place)))


def _bring(source: Path) -> list[ModelFile]:
    contents = _from_folder(source) if source.is_dir() else _from_wheel(source)
    for name, content in contents.items():
        MODELS[name].keep(content)
    return [MODELS[name] for name in contents]


def _from_folder(source: Path) -> dict[str, bytes]:
    found = {name: source / f"{name}.tflite" for name in MODELS if (source / f"{name}.tflite").is_file()}
    if not found:
        raise LandmarkError(f"{source} has none of the files {', '.join(f'{name}.tflite' for name in MODELS)}.")
    return {name: _proven_content(MODELS[name], path.read_bytes(), path) for name, path in found.items()}


def _from_wheel(source: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(source) as wheel:
            return {model.name: _proven_content(model, wheel.read(model.member), source) for model in MODELS.values()}
    except FileNotFoundError:
        raise LandmarkError(f"there is no {source}.") from None
    except UNREADABLE as error:
        raise LandmarkError(f"{source} is not the package file of {WHEEL}: {error}.") from error


def _proven_content(model: ModelFile, content: bytes, source: Path) -> bytes:
    """Return the content if it is the network's; nothing else is ever put into its place."""
    if hashlib.sha256(content).hexdigest() != model.sha256:
        raise LandmarkError(
            f"{source}: {model.name} is not the file that is expected (another SHA-256). "
            f"It comes with {WHEEL}, and with no other version."
        )
    return content


def _downloaded(place: Path) -> Path:
    """Return the package's file, fetched by pip. That of one platform will do: the networks are the same in all."""
    one_of_them = "--only-binary=:all: --platform=manylinux_2_28_x86_64 --python-version=3.11 --implementation=cp"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    try:
        done = subprocess.run(
            [*pip, *one_of_them.split(), f"--dest={place}", WHEEL], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise LandmarkError(_by_hand(str(error))) from error
    wheels = list(place.glob("*.whl"))
    if done.returncode or not wheels:
        last = (done.stderr.strip() or "pip gave no reason").splitlines()[-1]
        raise LandmarkError(_by_hand(last))
    return wheels[0]


def _by_hand(why: str) -> str:
    return (
        f"the networks that find hands and bodies could not be fetched: {why}\n"
        f"On a machine with a network:  pip download --no-deps --only-binary=:all: --python-version 3.11 "
        f"--platform manylinux_2_28_x86_64 {WHEEL}\n"
        "Bring the file here, and:  ademan models fetch --from FILE.whl"
    )


def _is_proven(model: ModelFile) -> bool:
    try:
        stat = model.path.stat()
    except OSError:
        return False
    return _proven.get(model.path) == (stat.st_size, stat.st_mtime_ns)


def _say(line: str) -> None:
    """Say it in the log where there is one, as in a server; otherwise to whoever waits at the terminal."""
    if log.isEnabledFor(logging.INFO) and log.hasHandlers():
        log.info(line)
    else:
        sys.stderr.write(f"ademan: {line}\n")
