"""Small things that many tests need."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

from ademan.bundle import Manifest, golden_windows, write_bundle
from ademan.clip import Clip, times_at
from ademan.datasets import DatasetWriter
from ademan.models import LstmConfig, build, to_onnx
from ademan.skeleton import skeleton
from ademan.window import Window
from tests.again import SecondTry


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(SecondTry())


# Time limits say more about the machine than about the code.
settings.register_profile("ademan", deadline=None)
settings.load_profile("ademan")
torch.set_num_threads(1)  # tests run in as many processes as there are cores


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Real recordings, which the project does not carry; tests that need them skip where they are missing."""
    folder = Path(os.environ.get("ADEMAN_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real recordings in {folder}; set ADEMAN_TEST_DATA to a folder that has them")
    return folder


MakeClip = Callable[..., Clip]


@pytest.fixture
def make_clip(rng: np.random.Generator) -> MakeClip:
    """A clip of two hands whose points circle at a speed that tells the labels apart."""

    def make(
        name: str = "a", label: str | None = "wave", *, frames: int = 20, speed: float = 1.0, **more: object
    ) -> Clip:
        phase = np.linspace(0, 2 * np.pi * speed, frames)[:, None, None]
        base = np.random.default_rng(7).uniform(0.2, 0.8, (1, 42, 2))
        points = (
            base + 0.1 * np.concatenate([np.cos(phase), np.sin(phase)], axis=2) + rng.normal(0, 0.005, (frames, 42, 2))
        )
        return Clip(points.astype(np.float32), times_at(25, frames), skeleton("hands"), id=name, label=label, **more)  # type: ignore[arg-type]

    return make


@pytest.fixture
def dataset_file(tmp_path: Path, make_clip: MakeClip) -> Path:
    """Thirty-six clips of three labels by six subjects."""
    path = tmp_path / "three.h5"
    with DatasetWriter(path, skeleton("hands")) as writer:
        for i in range(36):
            k, subject = i % 3, f"s{i // 3 % 6}"
            clip = make_clip(f"c{i:02}", "abc"[k], frames=15 + i, speed=0.5 + k, subject=subject, image_wh=(640, 480))
            writer.add(clip)
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"a small disk cannot be made here: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of an untrained network for hands in two coordinates: 20 frames at 20 a second, labels a, b, idle."""
    torch.manual_seed(1)
    network = build(LstmConfig((6,)), skeleton("hands"), 2, 3).eval()
    golden = []
    for points in golden_windows((42, 2), np.random.default_rng(0)):
        with torch.no_grad():
            golden.append((points, torch.softmax(network(torch.from_numpy(points)), dim=1).numpy()))
    manifest = Manifest(("a", "b", "idle"), skeleton("hands"), 2, "square", Window(20, "rate", 20.0), 25.0, idle="idle")
    path = tmp_path_factory.mktemp("bundles") / "small"
    write_bundle(path, manifest, to_onnx(network, 42, 2), golden)
    return path
