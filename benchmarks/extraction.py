"""Extraction measured: its own cost above the landmarker's, one process and two, and memory over many clips.

    .venv/bin/python benchmarks/extraction.py RAW_VIDEOS [--rounds 3] [--clips 1000] [--only overhead]

RAW_VIDEOS is a folder of videos. Ratios are taken within a round, A and B in turn, since the machine may be busy.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from ademan.extraction import ExtractOptions, find_recordings
from ademan.extraction.work import Job, work
from ademan.landmarks import LandmarkConfig, Landmarker, open_landmarker
from ademan.video import VideoFile


def overhead(videos: Path, rounds: int) -> None:
    """Compare the work on a recording with a bare loop of decoding and finding, recording by recording in turn."""
    config, options = LandmarkConfig(), ExtractOptions()
    recordings = find_recordings(videos)
    landmarker = open_landmarker(config)
    ratios = []
    with tempfile.TemporaryDirectory() as place:
        jobs = [Job(r, Path(place) / f"{i}.npz", config, options) for i, r in enumerate(recordings)]
        work(jobs[0])  # loads the networks
        for _ in range(rounds):
            frames, find_s, decode_s, work_s = 0, 0.0, 0.0, 0.0
            for job in jobs:
                one = bare(job.recording.path, landmarker)
                frames, find_s, decode_s = frames + one[0], find_s + one[1], decode_s + one[2]
                began = time.perf_counter()
                work(job)
                work_s += time.perf_counter() - began
            ratios.append(work_s / (find_s + decode_s))
            parts = f"finding {1000 * find_s / frames:.2f} ms, decoding {1000 * decode_s / frames:.2f} ms a frame"
            print(f"  {frames} frames: {parts}; extract {1000 * work_s / frames:.2f} ms", flush=True)
    print(f"extract over decoding and finding: {statistics.median(ratios):.3f}  ({listed(ratios, 3)})", flush=True)


def bare(path: Path, landmarker: Landmarker) -> tuple[int, float, float]:
    """Return frames, seconds of finding, and seconds of decoding of a video."""
    landmarker.reset()
    frames, find_s, decode_s, started = 0, 0.0, 0.0, time.perf_counter()
    for frame in VideoFile(path):
        decoded = time.perf_counter()
        landmarker.find(frame)
        found = time.perf_counter()
        frames, decode_s, find_s, started = frames + 1, decode_s + decoded - started, find_s + found - decoded, found
    return frames, find_s, decode_s


def listed(values: list[float], digits: int) -> str:
    """Return numbers in one line."""
    return ", ".join(f"{value:.{digits}f}" for value in values)


def scaling(videos: Path, rounds: int) -> None:
    """Compare one process with two, command lines and all."""
    ratios = []
    for _ in range(rounds):
        took = {workers: command_s(videos, workers) for workers in (1, 2)}
        ratios.append(took[1] / took[2])
        print(f"  one worker {took[1]:.1f} s, two {took[2]:.1f} s")
    print(f"two workers are faster by {statistics.median(ratios):.2f}  ({listed(ratios, 2)})", flush=True)


def command_s(videos: Path, workers: int) -> float:
    """Return how long the command takes."""
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "ademan",
            "extract",
            str(videos),
            "-o",
            f"{place}/d.h5",
            "--workers",
            str(workers),
        ]
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - began


def memory(videos: Path, clips: int) -> None:
    """Extract many clips, and tell the memory of all processes together as it goes."""
    shortest = min((r.path for r in find_recordings(videos)), key=lambda path: path.stat().st_size)
    with tempfile.TemporaryDirectory() as place:
        raw = Path(place) / "raw" / "wave"
        raw.mkdir(parents=True)
        for i in range(clips):
            shutil.copy(shortest, raw / f"wave_s{i % 20}_{i}.mp4")
        command = [
            sys.executable,
            "-m",
            "ademan",
            "extract",
            str(raw),
            "-o",
            f"{place}/d.h5",
            "--workers",
            "2",
            "--every",
            "4",
        ]
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        seen: list[tuple[int, float]] = []
        parts = Path(place) / ".d.h5.parts"
        watching = threading.Thread(target=watch, args=(running, parts, seen))
        watching.start()
        running.wait()
        watching.join()
    for share in (0.1, 0.25, 0.5, 0.75, 0.95):
        done, mb = next(((n, m) for n, m in seen if n >= share * clips), seen[-1])
        print(f"  after {done} clips {mb:.0f} MB")


def watch(running: "subprocess.Popen[bytes]", parts: Path, seen: list[tuple[int, float]]) -> None:
    """Note how many clips are done, and how much memory all processes have, until the command ends."""
    while running.poll() is None:
        done = sum(1 for _ in parts.glob("*.npz")) if parts.is_dir() else 0
        seen.append((done, sum(map(resident_mb, family(running.pid)))))
        time.sleep(0.5)


def family(pid: int) -> list[int]:
    """Return a process and all that came of it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        found += [one for child in children for one in family(child)]
    return found


def resident_mb(pid: int) -> float:
    """Return the memory of a process that is its own or shared, in megabytes."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, IndexError):
        return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--only", choices=("overhead", "scaling", "memory"))
    given = parser.parse_args()
    if given.only in {None, "overhead"}:
        overhead(given.videos, given.rounds)
    if given.only in {None, "scaling"}:
        scaling(given.videos, given.rounds)
    if given.only in {None, "memory"}:
        memory(given.videos, given.clips)


if __name__ == "__main__":
    main()
