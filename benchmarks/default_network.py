"""How long the default network takes: from a dataset to a verified bundle, and from one window to its probabilities.

    python benchmarks/default_network.py [--threads 2] [--epochs 15]

Twenty made-up gestures of both hands, 50 clips of 60 frames each by ten people, a fifth of them to test on. Times are
of a machine; only those of one run can be compared.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort

from ademan.clip import Clip
from ademan.datasets import DatasetWriter
from ademan.recognition import verify
from ademan.skeleton import skeleton

GESTURES, CLIPS, FRAMES, PEOPLE = 20, 50, 60, 10
HANDS = skeleton("hands")
CALLS = 300


def write_dataset(path: Path) -> None:
    """Write clips that differ by the shape of their hands, and tremble."""
    rng = np.random.default_rng(0)
    shapes = rng.normal(0.5, 0.1, (GESTURES, len(HANDS), 3))
    times = np.arange(FRAMES) * (1000 / 30)
    with DatasetWriter(path, HANDS) as writer:
        for gesture, shape in enumerate(shapes):
            for i in range(CLIPS):
                points = (shape + rng.normal(0, 0.05, (FRAMES, *shape.shape))).astype(np.float32)
                label, person = f"gesture-{gesture:02}", f"person-{i % PEOPLE}"
                clip = Clip(points, times, HANDS, f"{label}-{i}", label, subject=person, image_wh=(640, 480))
                writer.add(clip)


def window_ms(graph: Path) -> tuple[float, float]:
    """Return median and 95th percentile of one window of 32 frames, on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    window = np.random.default_rng(0).random((1, 32, len(HANDS), 3), np.float32)
    took = []
    for _ in range(CALLS):
        started = time.perf_counter()
        session.run(["probabilities"], {"points": window})
        took.append(1000 * (time.perf_counter() - started))
    return float(np.median(took[20:])), float(np.quantile(took[20:], 0.95))


def main() -> None:
    """Train by the command line, as a user would."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, run = Path(folder) / "d.h5", Path(folder) / "run"
        write_dataset(data)
        settings = ["--threads", str(arguments.threads), "--epochs", str(arguments.epochs)]
        command = [sys.executable, "-m", "ademan", "train", data, "-o", run, "--split", "group:subject", *settings]
        started = time.perf_counter()
        trained = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - started
        print(trained.stdout.splitlines()[0])
        print(f"to a verified bundle: {seconds:.1f} s; verified: {verify(run / 'bundle')['verified']}")
        median, most = window_ms(run / "bundle" / "model.onnx")
        print(f"one window: {median:.2f} ms, 95 % {most:.2f} ms")


if __name__ == "__main__":
    main()
