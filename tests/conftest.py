"""Small things that many tests need."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ademan.clip import Clip, times_at
from ademan.datasets import DatasetWriter
from ademan.skeleton import skeleton


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
        base = rng.uniform(0.2, 0.8, (1, 42, 2))
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
