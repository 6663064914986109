import copyreg
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ademan.datasets.importers.unpickle import read_pickle
from ademan.errors import SourceError

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
KINDS = ["bool", "int8", "uint16", "int64", "float16", ">f4", "float64", "<U5", "S3"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pickles") / "x.pkl"


def read(place: Path, content: bytes) -> Any:
    place.write_bytes(content)
    return read_pickle(place)


def refusal(place: Path, content: bytes) -> str:
    with pytest.raises(SourceError) as found:
        read(place, content)
    return str(found.value)


class Calls:
    """An object whose pickle has a function called."""

    def __init__(self, function: Callable[..., Any], *args: Any, state: Any = None) -> None:
        self._made = (function, args) if state is None else (function, args, state)

    def __reduce__(self) -> Any:
        return self._made


@given(
    array=st.sampled_from(KINDS).flatmap(
        lambda kind: arrays.arrays(np.dtype(kind), arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    ),
    protocol=st.sampled_from(PROTOCOLS),
    by_column=st.booleans(),
)
def test_arrays_come_back_as_they_were_whatever_the_protocol(
    place: Path, array: Any, protocol: int, by_column: bool
) -> None:
    array = np.asarray(array, order="F" if by_column else "C")
    back = read(place, pickle.dumps(array, protocol=protocol))
    assert back.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(np.asarray(back), array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_views_scalars_and_plain_values_come_back(place: Path, protocol: int) -> None:
    grid = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    for array in (grid.transpose(1, 2, 0), grid[:, ::2], grid[1, 1, 1]):
        back = read(place, pickle.dumps(array, protocol=protocol))
        np.testing.assert_array_equal(back, array)
    values = {"a": [1, 2.5, None, True, "é", (b"", b"\xff")], "n": np.float32(0.1), "s": np.str_("né")}
    assert read(place, pickle.dumps(values, protocol=protocol)) == values


def test_pickles_of_older_versions_of_numpy_are_read(place: Path) -> None:
    content = pickle.dumps(np.arange(3), protocol=2).replace(b"numpy._core", b"numpy.core")
    assert read(place, content).tolist() == [0, 1, 2]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("function", "args", "named"),
    [
        (os.system, ("touch {}",), f"{os.name}.system"),
        (eval, ("open('{}', 'w')",), "builtins.eval"),
        (exec, ("open('{}', 'w')",), "builtins.exec"),
        (getattr, (os, "system"), "builtins.getattr"),
        (open, ("{}", "w"), "io.open"),
        (np.load, ("{}", None, True), "numpy.load"),
        (np.fromfile, ("{}",), "numpy.*fromfile"),
        (np.save, ("{}", 1), "numpy.save"),
        (np.empty, (10**12,), "numpy.*empty"),
        (bytearray, (10**12,), "builtins.bytearray"),
        (copyreg._reconstructor, (object, object, None), "copyreg?._reconstructor"),  # type: ignore[attr-defined]
    ],
)
def test_whatever_could_run_is_refused_by_its_name_and_does_not_run(
    place: Path, protocol: int, function: Callable[..., Any], args: tuple[Any, ...], named: str
) -> None:
    trace = place.with_name("it-ran")
    args = tuple(arg.format(trace) if isinstance(arg, str) else arg for arg in args if arg is not os)
    nested = {"split": {}, "annotations": [{"keypoint": [np.zeros(3), Calls(function, *args)]}]}
    message = refusal(place, pickle.dumps(nested, protocol=protocol))
    assert "is not safe to read: it names " in message
    assert "Nothing was run" in message
    assert named.rsplit(".", 1)[-1].strip("*?") in message
    assert not trace.exists()


def test_a_class_of_the_user_is_refused(place: Path) -> None:
    assert "it names pathlib.PosixPath" in refusal(place, pickle.dumps(Path("x")).replace(b"Windows", b"Posix"))


def test_arrays_of_objects_and_records_are_refused(place: Path) -> None:
    for array in (np.array([{}, []], object), np.zeros(2, [("a", "f4")]), np.zeros(2, "M8[s]"), np.zeros(2, "c8")):
        for protocol in PROTOCOLS:
            assert "expected numbers or texts" in refusal(place, pickle.dumps(array, protocol=protocol))


_reconstruct: Any = np.zeros(1).__reduce__()[0]
_F4 = np.dtype("f4")


def _forged(*state: Any) -> bytes:
    return pickle.dumps(Calls(_reconstruct, np.ndarray, (0,), b"b", state=state))


def test_an_array_that_claims_more_than_it_has_is_refused(place: Path) -> None:
    assert "an array of shape (1000000000000,) and dtype float32 in 4 bytes" in refusal(
        place, _forged(1, (10**12,), _F4, False, b"1234")
    )
    assert "an array of shape (-1,)" in refusal(place, _forged(1, (-1,), _F4, False, b"1234"))
    assert "an array of shape [1]" in refusal(place, _forged(1, [1], _F4, False, b"1234"))
    assert "an array of list; expected bytes" in refusal(place, _forged(1, (1,), _F4, False, [1.0]))
    assert "an array of bytes; expected bytes" in refusal(place, _forged(1, (1,), "f4", False, b"1234"))


def test_a_dtype_of_forged_state_is_refused(place: Path) -> None:
    objects = (3, "<", None, None, None, -1, -1, 63)  # flags that would make numbers into pointers
    fields = (3, "|", None, ("a",), {"a": (_F4, 0)}, 4, 1, 0)
    found = read(place, pickle.dumps(Calls(np.dtype, "f4", False, True, state=objects)))
    assert found.plain == _F4
    assert found.plain.flags == _F4.flags
    assert "a dtype of state" in refusal(place, pickle.dumps(Calls(np.dtype, "f4", False, True, state=fields)))


def test_a_pickle_can_do_nothing_with_a_function_but_call_it(place: Path) -> None:
    assert "a function was to be changed" in refusal(place, b"\x80\x04\x8c\x05numpy\x8c\x07ndarray\x93}b.")
    assert "an array made without contents" in refusal(place, b"cnumpy\nndarray\n(I4\ntR.")
    assert "bytes kept as 'rot13'; expected latin1" in refusal(place, b"c_codecs\nencode\n(Vx\nVrot13\ntR.")


def test_a_number_that_would_take_all_memory_is_refused(place: Path) -> None:
    put = b"\x80\x04Nr" + struct.pack("<I", 2**32 - 1) + b"."
    assert "its note 4294967295 comes after 2 steps" in refusal(place, put)
    for opcode in (b"\x8e", b"\x96", b"\x8d", b"\x95"):  # bytes, bytearray, text, frame
        assert "is no whole pickle of arrays" in refusal(place, b"\x80\x05" + opcode + struct.pack("<Q", 2**46) + b"x.")


_WHOLE = pickle.dumps({"split": {"train1": ["a"]}, "annotations": [{"keypoint": np.zeros((1, 2, 3, 2), "f2")}]}, 4)


@given(cut=st.integers(0, len(_WHOLE) - 1))
def test_a_pickle_cut_short_anywhere_is_refused(place: Path, cut: int) -> None:
    assert "is no whole pickle of arrays" in refusal(place, _WHOLE[:cut])


@given(at=st.integers(0, len(_WHOLE) - 1), value=st.integers(0, 255))
def test_a_damaged_pickle_is_refused_or_read_as_data(place: Path, at: int, value: int) -> None:
    content = bytearray(_WHOLE)
    content[at] = value
    try:
        read(place, bytes(content))
    except SourceError as error:
        assert "it names" in str(error) or "is no whole pickle" in str(error)


@given(content=st.binary(max_size=40))
def test_noise_is_refused_or_read_as_data(place: Path, content: bytes) -> None:
    try:
        read(place, content)
    except SourceError as error:
        assert str(place) in str(error)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.pkl cannot be read: No such file"):
        read_pickle(tmp_path / "gone.pkl")
    with pytest.raises(SourceError, match="cannot be read: Is a directory"):
        read_pickle(tmp_path)
