"""Finished clips, kept until all are finished."""

from pathlib import Path

import numpy as np

from ademan.clip import Clip
from ademan.extraction.parts import Parts
from ademan.skeleton import EMBEDDING


def clip(**more: object) -> Clip:
    points = np.random.default_rng(0).normal(size=(3, 12, 5)).astype(np.float32)
    points[1, 2] = np.nan
    return Clip(points, np.array([0.0, 40.0, 90.0]), EMBEDDING, coordinates="embedding", **more)  # type: ignore[arg-type]


def test_a_clip_is_read_as_it_was_kept(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "d.h5", "all")
    for kept in (
        clip(id="a/ä_1", label="wave", subject="s1", session="x", source="a.mp4", image_wh=(64, 48)),
        clip(id="b"),
    ):
        parts.keep(parts.path(kept.id), kept)
        found = Parts.read(parts.path(kept.id), EMBEDDING, "embedding")
        np.testing.assert_array_equal(found.points, kept.points)
        np.testing.assert_array_equal(found.timestamps_ms, kept.timestamps_ms)
        for name in ("id", "label", "subject", "session", "source", "image_wh"):
            assert getattr(found, name) == getattr(kept, name)


def test_a_clip_is_found_by_all_that_it_depends_on(tmp_path: Path) -> None:
    parts, other = Parts(tmp_path / "d.h5", {"frames": 3}), Parts(tmp_path / "d.h5", {"frames": 4})
    places = {parts.path("a", [1]), parts.path("a", [2]), parts.path("b", [1]), other.path("a", [1])}
    assert len(places) == 4
    assert parts.path("a", [1]) in places
    assert {place.parent for place in places} == {tmp_path / ".d.h5.parts"}


def test_without_resuming_nothing_is_left_of_a_run_before(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "d.h5", 1)
    parts.keep(parts.path("a"), clip(id="a"))
    assert Parts(tmp_path / "d.h5", 1).path("a").is_file()
    assert not Parts(tmp_path / "d.h5", 1, resume=False).path("a").exists()
