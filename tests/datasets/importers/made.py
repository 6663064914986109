"""Made-up sources of every format, sound ones; tests spoil them."""

import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ademan.clip import Clip
from ademan.datasets.importers import Skipped, Source

RNG = np.random.default_rng(0)


def annotation(name: str = "a", label: Any = 0, *, shape: Sequence[int] = (1, 5, 17, 2), **more: Any) -> dict[str, Any]:
    """An annotation of PYSKL's layout in pictures of 320 x 240; `more` replaces or adds fields."""
    fields: dict[str, Any] = {
        "frame_dir": name,
        "label": label,
        "img_shape": (240, 320),
        "original_shape": (240, 320),
        "total_frames": shape[1],
        "keypoint": RNG.uniform(1, 240, shape).astype(np.float32),
        "keypoint_score": np.ones(shape[:3], np.float32),
    }
    return fields | more


def without(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


def write_pickle(
    path: Path, annotations: Iterable[Mapping[str, Any]], split: Mapping[str, Sequence[str]] | None = None
) -> Path:
    path.write_bytes(pickle.dumps({"split": split or {}, "annotations": list(annotations)}, protocol=4))
    return path


def hands(N: int = 4, T: int = 6) -> Any:
    """X (N, T, 126) of two hands that are always seen."""
    return RNG.uniform(0.1, 0.9, (N, T, 126)).astype(np.float32)


def write_npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, allow_pickle=True, **arrays)
    return path


def rows(labels: Sequence[object], F: int = 42) -> list[str]:
    """Lines of a table, each with its label and F numbers."""
    return [",".join([str(label), *(f"{value:.6f}" for value in RNG.uniform(-1, 1, F))]) for label in labels]


def write_csv(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def clips_of(source: Source) -> list[Clip]:
    """All clips of a source, of which none may be skipped."""
    clips = list(source.clips)
    assert all(isinstance(item, Clip) for item in clips), clips
    return [item for item in clips if isinstance(item, Clip)]


def only(source: Source, kind: Callable[..., Any] = Clip) -> Any:
    """The one clip, or the one that was skipped."""
    (item,) = source.clips
    assert isinstance(item, kind), item  # type: ignore[arg-type]
    return item


def why_skipped(source: Source) -> list[str]:
    return [item.reason for item in source.clips if isinstance(item, Skipped)]
