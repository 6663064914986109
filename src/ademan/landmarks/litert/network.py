"""A network run by LiteRT."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from ademan.errors import LandmarkError

Floats = NDArray[np.float32]


class Network:
    """A network that takes one square RGB picture.

    Args:
        path: a .tflite file.
        threads: 1 or more.
        low: value that black is brought to.
        high: value that white is brought to.

    Raises:
        LandmarkError: LiteRT cannot load it.
    """

    def __init__(self, path: Path, threads: int, low: float, high: float) -> None:
        try:
            self._interpreter = _loaded(path, threads)
        except (ValueError, RuntimeError) as error:
            raise LandmarkError(f"{path} cannot be loaded: {error}. Fetch it again:  ademan models fetch") from error
        self._input = self._interpreter.get_input_details()[0]["index"]
        outputs = self._interpreter.get_output_details()
        self._outputs = [output["index"] for output in sorted(outputs, key=lambda output: str(output["name"]))]
        self.side = int(self._interpreter.get_input_details()[0]["shape"][1])
        """Pixels of the picture's side."""
        self._scale, self._low = np.float32((high - low) / 255.0), np.float32(low)

    def run(self, image: NDArray[np.uint8]) -> list[Floats]:
        """Return the outputs for one picture (side, side, 3), each without its batch axis, sorted by name."""
        place = self._interpreter.tensor(self._input)()
        np.multiply(image, self._scale, out=place[0])
        if self._low:
            place += self._low
        del place  # LiteRT does not run while somebody holds its memory
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index)[0] for index in self._outputs]


def _loaded(path: Path, threads: int) -> Any:
    with _quietly():
        interpreter = Interpreter(model_path=str(path), num_threads=threads)
        interpreter.allocate_tensors()
        return interpreter


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep what LiteRT says while it loads a network off the terminal."""
    try:
        terminal = os.dup(2)
    except OSError:  # there is none: a program without a console
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nowhere)
