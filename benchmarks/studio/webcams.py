"""How many webcams one process of the studio takes on: real frames, real networks, more and more of them.

A studio is started in a folder of its own, with a set whose live model is the default network, untrained. Each webcam
is a connection of its own, logged in as a person of its own; it sends a JPEG every 1/fps seconds unless two of its
frames are unanswered, as the page does. Server and webcams share the machine.

    python benchmarks/studio/webcams.py FOLDER_OF_VIDEOS --webcams 1 5 10 20 30 50
"""

import argparse
import asyncio
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import psutil
import torch
from websockets.asyncio.client import connect

from ademan.bundle import Manifest, golden_windows, write_bundle
from ademan.landmarks.landmarker import SKELETONS
from ademan.models import build, preset, to_onnx
from ademan.studio.config import StudioConfig
from ademan.studio.data import Database
from ademan.studio.data.accounts import Accounts
from ademan.studio.data.files import open_files
from ademan.studio.data.gestures import GestureSets
from ademan.studio.data.models import Models
from ademan.studio.data.passwords import Passwords
from ademan.video import VideoFile, smaller
from ademan.window import Window

LABELS = tuple(f"gesture-{i}" for i in range(9)) + ("idle",)
UNANSWERED = 2
WARM_S = 3.0


@dataclass
class Told:
    """What one webcam saw."""

    answered: int = 0
    skipped: int = 0
    held_back: int = 0
    delays_ms: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--webcams", type=int, nargs="+", default=[1, 5, 10, 20, 30, 50])
    parser.add_argument("--fps", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--landmarks", choices=list(SKELETONS), default="hands")
    parser.add_argument("--side", type=int, default=640, help="pixels of the longer side of a frame")
    options = parser.parse_args()
    films = [film(path, options.fps, options.side) for path in sorted(options.videos.rglob("*.mp4"))[::9]]
    sizes = [len(frame) for frames in films for frame in frames]
    print(f"{len(films)} films, {statistics.mean(sizes) / 1000:.1f} kB a frame, {os.cpu_count()} cores, load", end=" ")
    print(f"{os.getloadavg()[0]:.1f}; {options.fps:g} frames a second of each webcam, {options.landmarks}")
    with tempfile.TemporaryDirectory() as folder:
        tokens = fill(Path(folder), max(options.webcams), options.landmarks)
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "ademan", "studio", "--data", folder, "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
            try:
                measure_all(server, tokens, films, options)
            finally:
                server.terminate()


def film(path: Path, fps: float, side: int) -> list[bytes]:
    """Return the frames of a video that a camera of so many frames a second takes, as JPEG."""
    frames: list[bytes] = []
    for frame in islice(VideoFile(path), 300):
        if frame.timestamp_ms >= len(frames) * 1000 / fps:
            picture = cv2.cvtColor(smaller(frame, side).image_rgb, cv2.COLOR_RGB2BGR)
            frames.append(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 70])[1].tobytes())
    return frames


def fill(folder: Path, people: int, landmarks: str) -> list[str]:
    """Make people, a set and a live model; return the sessions of the people."""
    config = StudioConfig(data=str(folder))
    database, files = Database(config.database_url), open_files(config)
    database.upgrade()
    accounts = Accounts(database, files, Passwords(time_cost=1, memory_kib=64))
    names = [f"person {i}" for i in range(people)]
    for name in names:
        accounts.register(name, "four words in a row")
    made = GestureSets(database, files).add(1, "Load", landmarks)
    bundle = folder / "bundle"
    write(bundle, landmarks)
    models = Models(database, files)
    models.promote(models.add(made.id, bundle).id)
    tokens = [accounts.log_in(name, "four words in a row").token for name in names]
    database.close()
    return tokens


def write(path: Path, landmarks: str) -> None:
    """Write a bundle of the default network, untrained: that changes what it answers, not how long it takes."""
    skeleton, channels = SKELETONS[landmarks], 3  # type: ignore[index]
    network, golden = build(preset("tcn"), skeleton, channels, len(LABELS)).eval(), []
    for points in golden_windows((len(skeleton), channels), np.random.default_rng(0)):
        with torch.no_grad():
            golden.append((points, torch.softmax(network(torch.from_numpy(points)), dim=1).numpy()))
    manifest = Manifest(LABELS, skeleton, channels, "square", Window(30, "rate", 12.5), 12.5, idle="idle")
    write_bundle(path, manifest, to_onnx(network, len(skeleton), channels), golden)


def measure_all(
    server: "subprocess.Popen[str]", tokens: list[str], films: list[list[bytes]], options: argparse.Namespace
) -> None:
    url = next(line.split()[4] for line in server.stderr or () if "The studio is at" in line)
    process = psutil.Process(server.pid)
    print("webcams  answered/s  asked/s  skipped  held back  delay ms 50%  95%  99%  server's cores  MB")
    for count in options.webcams:
        told, cores = asyncio.run(measure(url, tokens[:count], films, options, process))
        answered = sum(one.answered for one in told) / options.seconds
        skipped, held = sum(one.skipped for one in told), sum(one.held_back for one in told)
        delays = np.percentile([delay for one in told for delay in one.delays_ms], [50, 95, 99])
        print(
            f"{count:7} {answered:11.1f} {count * options.fps:8.0f} {skipped:8} {held:10} "
            f"{delays[0]:13.0f} {delays[1]:4.0f} {delays[2]:4.0f} {cores:15.2f} "
            f"{process.memory_info().rss / 1e6:4.0f}",
            flush=True,
        )


async def measure(
    url: str, tokens: list[str], films: list[list[bytes]], options: argparse.Namespace, process: psutil.Process
) -> tuple[list[Told], float]:
    """Return what webcams saw that all send at the same time, and how many cores the server took for them."""
    begin = asyncio.Event()
    told = [Told() for _ in tokens]
    tasks = [
        asyncio.create_task(webcam(url, token, films[i % len(films)], options, begin, told[i], i / len(tokens)))
        for i, token in enumerate(tokens)
    ]
    await asyncio.sleep(WARM_S)
    begin.set()
    before, begun_s = process.cpu_times(), time.monotonic()
    await asyncio.sleep(options.seconds)
    after, spent_s = process.cpu_times(), time.monotonic() - begun_s
    for task in tasks:
        task.cancel()
    for done in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(done, Exception):
            raise done
    return told, (after.user + after.system - before.user - before.system) / spent_s


async def webcam(
    url: str,
    token: str,
    frames: list[bytes],
    options: argparse.Namespace,
    begin: asyncio.Event,
    told: Told,
    phase: float,
) -> None:
    """Send frames as the page does."""
    address = url.replace("http", "ws", 1) + "/api/watch?set=1"
    async with connect(address, additional_headers={"Cookie": f"ademan-session={token}"}, compression=None) as socket:
        sent: dict[int, float] = {}
        reading = asyncio.create_task(read(socket, sent, begin, told))
        try:
            next_s, number = time.monotonic() + phase / options.fps, 0
            while True:
                await asyncio.sleep(max(0.0, next_s - time.monotonic()))
                next_s += 1 / options.fps
                if len(sent) >= UNANSWERED:
                    told.held_back += begin.is_set()
                    continue
                number += 1
                sent[number] = time.monotonic()
                picture = frames[number % len(frames)]
                await socket.send(struct.pack("<Id", number, sent[number] * 1000) + picture)
        finally:
            reading.cancel()


async def read(socket: object, sent: dict[int, float], begin: asyncio.Event, told: Told) -> None:
    async for text in socket:  # type: ignore[attr-defined]
        message = json.loads(text)
        taken_s = sent.pop(message.get("number", -1), None) if message["kind"] in ("points", "skipped") else None
        if taken_s is None or not begin.is_set():
            continue
        if message["kind"] == "skipped":
            told.skipped += 1
        else:
            told.answered += 1
            told.delays_ms.append((time.monotonic() - taken_s) * 1000)


if __name__ == "__main__":
    main()
