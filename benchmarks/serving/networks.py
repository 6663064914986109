"""The bundles that are served, and the weights of one of them for Keras. Started by `run.py`.

The networks are untrained: that changes what they answer, not how long it takes.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ademan.bundle import Manifest, golden_windows, write_bundle
from ademan.models import LstmConfig, build, preset, to_onnx, weights_in_keras
from ademan.skeleton import skeleton
from ademan.window import Window
from ours import _in_keras

HANDS, CHANNELS = skeleton("hands"), 3
LABELS = tuple(f"gesture-{i}" for i in range(9)) + ("idle",)
LSTM = LstmConfig((160, 96), (96,), 0.45, normalisation="none")
"""The layers of the preset lstm-160-96-d96. Points go in as they are, so that both servers begin with the same."""
SHARPNESS = 30.0  # an untrained network finds all classes alike; so its answers differ, and comparing them proves much


def main(folder: Path, frames: int) -> None:
    """Write `lstm` and `default`, what Keras needs to build the first one, and one request with its answer."""
    torch.manual_seed(1)
    lstm = build(LSTM, HANDS, CHANNELS, len(LABELS)).eval()
    with torch.no_grad():
        lstm.head.weight *= SHARPNESS
    write(folder / "lstm", lstm, Window(frames), fps=30.0)
    default = build(preset("tcn"), HANDS, CHANNELS, len(LABELS)).eval()
    write(folder / "default", default, Window(30, "rate", 12.5), fps=12.5)  # that of `ademan demo`
    np.savez(folder / "weights.npz", *_in_keras(lstm))
    spec = {
        "weights": weights_in_keras(lstm),
        "frames": frames,
        "features": len(HANDS) * CHANNELS,
        "classes": len(LABELS),
        "labels": LABELS,
        "lstm_units": LSTM.lstm_units,
        "dense_units": LSTM.dense_units,
        "dropout": LSTM.dropout,
    }
    (folder / "keras.json").write_text(json.dumps(spec))
    write_request(folder, frames)


def write(path: Path, network: nn.Module, window: Window, fps: float) -> None:
    """Write a bundle."""
    P, golden = len(HANDS), []
    for points in golden_windows((P, CHANNELS), np.random.default_rng(0)):
        with torch.no_grad():
            golden.append((points, torch.softmax(network(torch.from_numpy(points)), dim=1).numpy()))
    manifest = Manifest(LABELS, HANDS, CHANNELS, "square", window, fps, idle="idle")
    write_bundle(path, manifest, to_onnx(network, P, CHANNELS), golden)


def write_request(folder: Path, frames: int) -> None:
    """Write one sequence of frames, as JSON with all its digits and packed; as a landmarker's float32 come out."""
    points = walk(frames)
    (folder / "request.json").write_text(json.dumps({"sequence": points.reshape(frames, -1).tolist()}))
    (folder / "request.bin").write_bytes(points.astype("<f4").tobytes())
    np.save(folder / "frames.npy", walk(300))


def walk(frames: int) -> np.ndarray:
    """Return two hands that wander about, (frames, P, C) float32."""
    rng = np.random.default_rng(3)
    P = len(HANDS)
    wandering = rng.normal(0, 0.02, (frames, P, CHANNELS)).cumsum(axis=0) + rng.uniform(0.2, 0.8, (1, P, CHANNELS))
    return wandering.astype(np.float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
