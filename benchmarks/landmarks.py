"""The two landmarkers beside each other: agreement, mirror images, and speed.

    .venv/bin/python benchmarks/landmarks.py --photos FOLDER --videos FILE... [--landmarks hands] [--seconds 4]

Photos are looked at one by one, videos from frame to frame. Distances are in units of the picture's longer side.
Speed is taken frame by frame, one landmarker after the other, on the same decoded frames.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ademan.clip import Points
from ademan.landmarks import LandmarkConfig, Landmarker, open_landmarker
from ademan.landmarks.landmarker import Backend, Landmarks
from ademan.skeleton import Skeleton
from ademan.video import Frame, VideoFile
from ademan.video.folder import read_picture

BACKENDS: tuple[Backend, ...] = ("litert", "mediapipe")


class Agreement:
    """Gathers how far two findings of the same picture are from each other."""

    def __init__(self, skeleton: Skeleton) -> None:
        self._parts = [list(part.points) for part in skeleton.parts]
        self.same_found: list[bool] = []
        self.same_sides: list[bool] = []
        self.distances: list[NDArray[np.float32]] = []

    def add(self, one: Points, other: Points, size_wh: tuple[int, int]) -> None:
        """Take the points of one picture."""
        found = [[not np.isnan(points[part, 0]).all() for part in self._parts] for points in (one, other)]
        self.same_found.append(sum(found[0]) == sum(found[1]))
        if self.same_found[-1] and any(found[0]):
            self.same_sides.append(found[0] == found[1])
        if found[0] == found[1]:
            both = ~np.isnan(one[:, 0]) & ~np.isnan(other[:, 0])
            scale = size_wh[1] / max(size_wh)
            self.distances.append(np.linalg.norm(one[both, :2] - other[both, :2], axis=1) * scale)

    def told(self) -> str:
        """Return the figures in words."""
        distances = np.concatenate([*self.distances, np.empty(0)])
        if not len(distances):
            return "nothing to compare"
        return (
            f"{len(self.same_found)} pictures: as many found in {np.mean(self.same_found):.1%}, on the same sides in "
            f"{np.mean(self.same_sides):.1%} of {len(self.same_sides)}; distance median {np.median(distances):.4f}, "
            f"95 % {np.quantile(distances, 0.95):.4f}"
        )


def photos(folder: Path, config: LandmarkConfig) -> None:
    """Compare on single pictures, and each landmarker with itself on the mirror image."""
    landmarkers = {backend: opened(config, backend) for backend in BACKENDS}
    between = Agreement(config.skeleton)
    mirrored = {backend: Agreement(config.skeleton) for backend in BACKENDS}
    for path in sorted(folder.rglob("*.jpg")):
        image = read_picture(path)
        if image is None:
            continue
        frame, flipped = Frame(image, 0.0), Frame(np.ascontiguousarray(image[:, ::-1]), 0.0)
        seen = {backend: alone(landmarker, frame) for backend, landmarker in landmarkers.items()}
        between.add(seen["litert"], seen["mediapipe"], frame.size_wh)
        for backend, landmarker in landmarkers.items():
            back = alone(landmarker, flipped)[list(config.skeleton.mirror)]
            back[:, 0] = frame.size_wh[0] / frame.size_wh[1] - back[:, 0]
            mirrored[backend].add(seen[backend], back, frame.size_wh)
    print(f"photos, one landmarker and the other: {between.told()}")
    for backend in BACKENDS:
        print(f"photos and their mirror images, {backend}: {mirrored[backend].told()}")


def videos(paths: list[Path], config: LandmarkConfig, seconds: float) -> None:
    """Compare from frame to frame, in agreement and in speed."""
    for path in paths:
        landmarkers = {backend: opened(config, backend) for backend in BACKENDS}
        between, spent = Agreement(config.skeleton), {backend: [] for backend in BACKENDS}
        for frame in VideoFile(path):
            if frame.timestamp_ms > 1000 * seconds:
                break
            seen = {}
            for backend, landmarker in landmarkers.items():
                began = time.perf_counter()
                seen[backend] = landmarker.find(frame)
                spent[backend].append(1000 * (time.perf_counter() - began))
            between.add(seen["litert"], seen["mediapipe"], frame.size_wh)
        ms = {
            backend: f"{np.mean(times):.1f} ms a frame (median {np.median(times):.1f})"
            for backend, times in spent.items()
        }
        print(f"{path.name}: {between.told()}; litert {ms['litert']}, mediapipe {ms['mediapipe']}", flush=True)


def alone(landmarker: Landmarker, frame: Frame) -> Points:
    """Return what is found in a picture that has none before it."""
    landmarker.reset()
    return landmarker.find(frame)


def opened(config: LandmarkConfig, backend: Backend) -> Landmarker:
    """Return a landmarker for the same options."""
    return open_landmarker(LandmarkConfig(config.landmarks, backend))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--videos", type=Path, nargs="*", default=[])
    parser.add_argument("--landmarks", default="hands")
    parser.add_argument("--seconds", type=float, default=4.0)
    given = parser.parse_args()
    landmarks: Landmarks = given.landmarks
    config = LandmarkConfig(landmarks)
    if given.photos:
        photos(given.photos, config)
    videos(given.videos, config, given.seconds)


if __name__ == "__main__":
    main()
