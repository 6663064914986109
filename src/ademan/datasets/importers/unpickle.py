"""Pickles read as data: numbers, texts, lists, dicts and NumPy arrays, and nothing that could run.

A pickle is a small program that names functions and has them called. Here the few names that a pickle of arrays needs
are answered by stand-ins of our own, which check what they are given; any other name ends the reading before anything
is called. NumPy's own functions are not handed out: an array or a dtype restored from a forged state breaks memory.
"""

import math
import pickle
import pickletools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ademan.errors import SourceError

_PLAIN_DTYPE = re.compile(r"b1|[iuf]\d{1,2}|[SU]\d{1,6}")  # no objects, no records: their contents would be pointers


def read_pickle(path: Path) -> Any:
    """Return what a pickle of plain values and NumPy arrays holds; its arrays may be read-only.

    Raises:
        SourceError: it cannot be read, is cut short or damaged, or names anything but plain values and arrays.
    """
    try:
        with path.open("rb") as file:
            _look_over(file)
            file.seek(0)
            return _Reader(path, file).load()
    except SourceError:
        raise
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from error
    except Exception as error:  # what a damaged pickle raises is anybody's guess
        raise SourceError(
            f"{path} is no whole pickle of arrays ({type(error).__name__}: {error}). "
            "It was cut short, altered, or is of another format: fetch it again."
        ) from error


def _look_over(file: BinaryIO) -> None:
    """Go through the pickle without building anything, so that no claim of it is believed that its bytes do not meet.

    The reader makes room for as many notes as the highest number that it is told to keep one under: a few forged bytes
    would take all memory.
    """
    for done, (opcode, number, _) in enumerate(pickletools.genops(file)):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and number is not None and not 0 <= number <= done:
            raise pickle.UnpicklingError(f"its note {number} comes after {done} steps")


class _Reader(pickle.Unpickler):
    """An unpickler that hands out stand-ins only."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        super().__init__(file)
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy._core", "numpy.core").replace("__builtin__", "builtins")
        if (module, name) not in _STAND_INS:
            raise SourceError(
                f"{self._path} is not safe to read: it names {module}.{name}, and a pickle can have run what it names. "
                "Nothing was run. Expected plain values and NumPy arrays only; get the file from a source you trust."
            )
        return _STAND_INS[module, name]


class _StandIn:
    """Answers for a function or class that a pickle of arrays names; a pickle can call it, and do nothing else."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *args: Any) -> Any:
        return self._call(*args)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a function was to be changed")


class _DType:
    """A dtype to be: its code, then its byte order from the state that follows."""

    __slots__ = ("plain",)

    def __init__(self, code: Any, *_: Any) -> None:
        if not isinstance(code, str) or not _PLAIN_DTYPE.fullmatch(code):
            raise pickle.UnpicklingError(f"arrays of dtype {code!r}; expected numbers or texts")
        self.plain = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        _, order, subarray, names, fields, *_ = state
        if order not in ("<", ">", "|", "=") or any(part is not None for part in (subarray, names, fields)):
            raise pickle.UnpicklingError(f"a dtype of state {state!r}; expected numbers or texts")
        self.plain = self.plain.newbyteorder(order)


class _Array(np.ndarray[Any, np.dtype[Any]]):
    """An array that takes its contents from a checked state only."""

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, by_column, content = state
        made = _array(content, dtype, shape, "F" if by_column else "C")
        checked: Any = (1, shape, made.dtype, bool(by_column), content)
        super().__setstate__(checked)


def _array(content: Any, dtype: Any, shape: Any, order: Any = "C", axes: Any = None) -> NDArray[Any]:
    """Return an array over `content`, which must be just as long as its shape needs."""
    if not isinstance(content, bytes | bytearray) or not isinstance(dtype, _DType):
        raise pickle.UnpicklingError(f"an array of {type(content).__name__}; expected bytes")
    if not isinstance(shape, tuple) or not all(type(length) is int and length >= 0 for length in shape):
        raise pickle.UnpicklingError(f"an array of shape {shape!r}")
    if math.prod(shape) * dtype.plain.itemsize != len(content):
        raise pickle.UnpicklingError(f"an array of shape {shape} and dtype {dtype.plain} in {len(content)} bytes")
    made: NDArray[Any] = np.ndarray(shape, dtype.plain, buffer=content, order="F" if order == "F" else "C")
    return made if axes is None else made.transpose(axes)


def _empty_array(*_: Any) -> _Array:
    return np.ndarray.__new__(_Array, (0,))


def _scalar(dtype: Any, content: Any) -> Any:
    return _array(content, dtype, ())[()]


def _latin1(text: Any, encoding: Any) -> bytes:
    """Return bytes as pickles before protocol 3 keep them."""
    if encoding != "latin1" or not isinstance(text, str):
        raise pickle.UnpicklingError(f"bytes kept as {encoding!r}; expected latin1")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


def _not_called(*_: Any) -> None:
    raise pickle.UnpicklingError("an array made without contents")


_STAND_INS = {
    ("numpy", "dtype"): _StandIn(_DType),
    ("numpy", "ndarray"): _StandIn(_not_called),
    ("numpy.core.multiarray", "_reconstruct"): _StandIn(_empty_array),
    ("numpy.core.multiarray", "scalar"): _StandIn(_scalar),
    ("numpy.core.numeric", "_frombuffer"): _StandIn(_array),
    ("_codecs", "encode"): _StandIn(_latin1),
    ("builtins", "bytes"): _StandIn(_no_bytes),  # protocol 2 calls it for an array of no elements
}
