"""Keras' side: the same networks, in the environment of `keras-requirements.txt`. Started by `run.py`."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from worker import serve

WAYS = ("masked", "unmasked", "like lengths")
"""Ways to train.

masked: as tutorials do it. unmasked: as tutorials do it, but the padding is read too, which makes it another function.
like lengths: masked, with clips sorted by length and each batch cut to its longest; Ademan does that by itself, a user
of Keras has to write it.
"""


class Theirs:
    """What this side can be asked for."""

    def __init__(self) -> None:
        self.networks: dict[str, keras.Model] = {}
        self.in_training: dict[tuple[str, int], keras.Model] = {}

    def prepare(self, folder: str, trained: str, networks: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """Build the networks with the weights of the other side; return their sizes, and how far answers differ."""
        self.folder, self.spec = Path(folder), networks[trained]
        with np.load(self.folder / "arrays.npz") as arrays:
            self.arrays = {name: keras.utils.to_categorical(a) if a.ndim == 1 else a for name, a in arrays.items()}
        return {
            "networks": {name: self._adopt(name, spec) for name, spec in networks.items()},
            "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
        }

    def _adopt(self, name: str, spec: dict[str, Any]) -> dict[str, Any]:
        network = self.networks[name] = build(spec, masked=True)
        with np.load(self.folder / name / "weights.npz") as weights:
            network.set_weights(list(weights.values()))
        with np.load(self.folder / name / "answers.npz") as answers:
            found = network.predict(answers["windows"], verbose=0)
            difference = np.abs(found - answers["probabilities"]).max()
        return {"weights": network.count_params(), "difference": float(difference)}

    def epochs(self, way: str, batch_size: int, count: int) -> list[float]:
        """Return seconds of each epoch: training and validation; tracing is done in one before that does not count."""
        if (way, batch_size) not in self.in_training:
            spec = self.spec | ({"frames": None} if way == "like lengths" else {})
            network = self.in_training[way, batch_size] = build(spec, masked=way != "unmasked")
            network.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
            self._fit(way, batch_size, 1)
        return self._fit(way, batch_size, count)

    def _fit(self, way: str, batch_size: int, count: int) -> list[float]:
        train, val = ((self.arrays[f"x_{part}"], self.arrays[f"y_{part}"]) for part in ("train", "val"))
        data: dict[str, Any] = {"x": train[0], "y": train[1], "batch_size": batch_size, "validation_data": val}
        if way == "like lengths":
            data = {"x": _LikeLengths(*train, batch_size), "validation_data": _LikeLengths(*val, batch_size)}
        stopwatch = _Stopwatch()
        self.in_training[way, batch_size].fit(**data, epochs=count, callbacks=[stopwatch], verbose=0)
        return stopwatch.seconds

    def predict(self, way: str, network: str, times: int) -> list[float]:
        """Return seconds of each prediction of a clip as long as the window."""
        with np.load(self.folder / network / "answers.npz") as answers:
            window = answers["windows"][:1]
        call = self._calls(self.networks[network])[way]
        call(window)
        seconds = []
        for _ in range(times):
            started = time.perf_counter()
            call(window)
            seconds.append(time.perf_counter() - started)
        return seconds

    def _calls(self, network: keras.Model) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
        compiled = tf.function(lambda x: network(x, training=False))
        return {
            "model.predict": lambda x: network.predict(x, verbose=0),
            "model(x)": lambda x: network(x, training=False).numpy(),
            "tf.function": lambda x: compiled(tf.constant(x)).numpy(),
        }


class _LikeLengths(keras.utils.PyDataset):
    """Batches of clips of like length, each cut to its longest."""

    def __init__(self, x: np.ndarray, y: np.ndarray, batch_size: int) -> None:
        super().__init__()
        lengths = x.shape[1] - np.argmax(x.any(axis=2)[:, ::-1], axis=1)
        order = np.argsort(lengths)
        self.x, self.y, self.lengths, self.batch_size = x[order], y[order], lengths[order], batch_size

    def __len__(self) -> int:
        return math.ceil(len(self.y) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        batch = slice(index * self.batch_size, (index + 1) * self.batch_size)
        return self.x[batch, : self.lengths[batch].max()], self.y[batch]


class _Stopwatch(keras.callbacks.Callback):
    """Measures each epoch, its validation included."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        self.seconds.append(time.perf_counter() - self._started)


def build(spec: dict[str, Any], *, masked: bool) -> keras.Model:
    """Return the network as a user of Keras writes it."""
    units, dropout = spec["lstm_units"], spec["dropout"]
    stack = [keras.Input((spec["frames"], spec["features"]))]
    if masked:
        stack.append(layers.Masking())
    for i, size in enumerate(units, start=1):
        stack += [layers.LSTM(size, return_sequences=i < len(units)), layers.Dropout(dropout)]
    for size in spec["dense_units"]:
        stack += [layers.Dense(size, activation="relu"), layers.Dropout(dropout)]
    return keras.Sequential([*stack, layers.Dense(spec["classes"], activation="softmax")])


if __name__ == "__main__":
    theirs = Theirs()
    serve({"prepare": theirs.prepare, "epochs": theirs.epochs, "predict": theirs.predict})
