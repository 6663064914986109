"""Ademan's side: training as `ademan train` does it, prediction from a verified bundle. Started by `run.py`."""

import time
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import lightning
import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

import clips
from ademan.clip import Clip
from ademan.datasets import Dataset, DatasetWriter, make_splits
from ademan.models import Lstm, preset
from ademan.recognition import Classifier
from ademan.skeleton import skeleton
from ademan.training import Recipe, TrainingConfig, train
from ademan.training.data import Windows
from ademan.training.fit import fit, load_checkpoint
from ademan.training.module import TrainingModule
from ademan.window import Window, stack
from worker import THREADS, serve

NETWORKS = {"lstm-32": ("coco17", 2, 300), "lstm-64x2": ("coco17", 2, 300), "lstm-160-96-d96": ("hands", 3, 60)}
"""Preset: skeleton, coordinates, and frames of a window."""
TRAINED = "lstm-64x2"
Array: TypeAlias = NDArray[Any]
FEW = [(label, 60) for label in range(clips.CLASSES)] * 6


class Ours:
    """What this side can be asked for."""

    def prepare(self, folder: str) -> dict[str, Any]:
        """Make datasets, train each network a little, write weights and arrays for the other side; return the facts."""
        self.folder = Path(folder)
        tables = {"coco17": clips.lengths(), "hands": FEW}
        for name, table in tables.items():
            self._write_dataset(name, table)
        self.dataset = Dataset(self._dataset("coco17")).load()
        self.split = make_splits(self.dataset, "random")[0]
        self.classifiers: dict[str, Classifier] = {}
        facts = {name: self._make(name) for name in NETWORKS}
        self._write_arrays()
        return {
            "networks": facts,
            "trained": TRAINED,
            "clips": {"train": len(self.split.train), "val": len(self.split.val)},
            "mean_frames": round(float(np.minimum(self.dataset.table.lengths, 300).mean()), 1),
            "versions": {p.__name__: p.__version__ for p in (torch, lightning, onnxruntime)},
        }

    def epochs(self, batch_size: int, count: int) -> list[float]:
        """Return seconds of each epoch: training, validation, metrics, checkpoint; after one that does not count."""
        config = TrainingConfig(epochs=1 + count, batch_size=batch_size, threads=THREADS)
        window = Window(NETWORKS[TRAINED][2])
        train, val = (Windows(self.dataset, part, window) for part in (self.split.train, self.split.val))
        module = _Timed(_network(TRAINED), config, train, val, clips.CLASSES)
        fit(module, self.folder / "timed", resume=False, progress=False)
        return [b - a for a, b in pairwise(module.moments)][1:]

    def predict(self, network: str, times: int) -> list[float]:
        """Return seconds of each prediction of a clip as long as the window."""
        clip, classifier = _samples(network)[0], self.classifiers[network]
        seconds = []
        for _ in range(times):
            started = time.perf_counter()
            classifier.predict(clip)
            seconds.append(time.perf_counter() - started)
        return seconds

    def _dataset(self, name: str) -> Path:
        return self.folder / f"{name}.h5"

    def _write_dataset(self, name: str, table: list[tuple[int, int]]) -> None:
        channels = next(channels for points, channels, _ in NETWORKS.values() if points == name)
        with DatasetWriter(self._dataset(name), skeleton(name)) as writer:
            for clip in clips.clips(skeleton(name), channels, table):
                writer.add(clip)

    def _make(self, name: str) -> dict[str, Any]:
        """Train for an epoch, keep the bundle, write weights and answers; return what the other side must build."""
        points, _, frames = NETWORKS[name]
        config, run, network = preset(name), self.folder / name, _network(name)
        recipe = Recipe(name, config, Window(frames), TrainingConfig(epochs=1))
        trained = train(self._dataset(points), run, recipe)
        state = load_checkpoint(run / "checkpoints" / "best.ckpt")["state_dict"]
        own = "network."
        network.load_state_dict({key.removeprefix(own): value for key, value in state.items() if key.startswith(own)})
        classifier = self.classifiers[name] = Classifier(run / "bundle")
        windows = stack([classifier.window(clip) for clip in _samples(name)])
        answers = {
            "windows": _features(network, windows, frames),
            "probabilities": np.stack([p.probabilities for p in classifier.predict_all(_samples(name))]),
        }
        np.savez(run / "weights.npz", *_in_keras(network))
        np.savez(run / "answers.npz", allow_pickle=False, **answers)
        return {
            "weights": trained.weights_in_keras,
            "frames": frames,
            "features": network.features.size,
            "classes": clips.CLASSES,
            "lstm_units": config.lstm_units,
            "dense_units": config.dense_units,
            "dropout": config.dropout,
        }

    def _write_arrays(self) -> None:
        """Write the same clips of the same split, as a user of Keras has them: normalised, padded with zeros."""
        network, frames = _network(TRAINED), NETWORKS[TRAINED][2]
        arrays: dict[str, Array] = {}
        for part, indices in self.split.parts().items():
            windows = stack([self.dataset.points(int(i))[0][:frames] for i in indices])
            arrays |= {
                f"x_{part}": _features(network, windows, frames),
                f"y_{part}": self.dataset.table.labels[indices],
            }
        np.savez(self.folder / "arrays.npz", allow_pickle=False, **arrays)


class _Timed(TrainingModule):
    """Notes the moment at which each epoch starts, and the last one ends."""

    def on_fit_start(self) -> None:
        self.moments: list[float] = []

    def on_train_epoch_start(self) -> None:
        self.moments.append(time.perf_counter())

    def on_train_end(self) -> None:
        self.moments.append(time.perf_counter())


def _network(name: str) -> Lstm:
    points, channels, _ = NETWORKS[name]
    return Lstm(preset(name), skeleton(points), channels, clips.CLASSES)


def _samples(network: str) -> list[Clip]:
    """Return a clip as long as the window, and one that is shorter."""
    points, channels, frames = NETWORKS[network]
    rng = np.random.default_rng(2)
    return [clips.clip(skeleton(points), channels, T, rng, f"{T} frames") for T in (frames, frames * 4 // 7)]


def _features(network: Lstm, windows: Array, frames: int) -> Array:
    """Return (N, frames, features) what the layers read; zeros where nothing was seen, and after the end."""
    with torch.no_grad():
        features = network.features(torch.from_numpy(windows)).numpy()
    return np.pad(features, ((0, 0), (0, frames - features.shape[1]), (0, 0)))


def _in_keras(network: Lstm) -> list[Array]:
    """Return the weights as `set_weights` takes them.

    Both have the gates in the order input, forget, cell, output. Keras multiplies from the other side, and has one bias
    where torch adds two.
    """
    arrays = []
    for layer in network.layers:
        w = {
            key.removesuffix("_l0"): value.detach().numpy()
            for key, value in layer.get_submodule("forwards").named_parameters()
        }
        arrays += [w["weight_ih"].T, w["weight_hh"].T, w["bias_ih"] + w["bias_hh"]]
    for dense in (*network.dense, network.head):
        arrays += [dense.weight.detach().numpy().T, dense.bias.detach().numpy()]
    return arrays


if __name__ == "__main__":
    ours = Ours()
    serve({"prepare": ours.prepare, "epochs": ours.epochs, "predict": ours.predict})
