"""Whatever comes over the wire becomes clips of the right kind, or an error that says where it is wrong."""

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.bundle import Manifest
from ademan.clip import Clip, as_square, times_at
from ademan.server.errors import ApiError
from ademan.server.wire import (
    MOST_FRAMES,
    MOST_PIXELS,
    MOST_SEQUENCES,
    Units,
    parse_json,
    read_frame,
    read_json,
    read_packed,
)
from ademan.skeleton import Skeleton, skeleton
from ademan.window import Window

TWO = Skeleton("two", ("wrist", "tip"), ((0, 1),), (0, 1))
FLAT = Manifest(("a", "b"), TWO, 2, "square", Window(5, "rate", 20.0), 25.0)
FRACTION = Manifest(("a", "b"), TWO, 2, "fraction", Window(5, "rate", 20.0), 25.0)
DEEP = Manifest(("a", "b"), TWO, 3, "metres", Window(5, "spread"), 25.0)
HANDS = Manifest(("a", "b"), skeleton("hands"), 2, "square", Window(5, "rate", 20.0), 25.0)
MANIFESTS = st.sampled_from([FLAT, FRACTION, DEEP])

NUMBERS = st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
ODD = st.booleans() | st.text(max_size=8) | st.sampled_from(["1", "1e400", "NaN", "null", -0.0, 2**63, 10**18])
ANYTHING = st.recursive(
    NUMBERS | ODD, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
FIELDS = ("sequence", "sequences", "timestamps_ms", "fps", "coordinates", "image_wh", "points", "timestamp_ms")
POINT = st.lists(NUMBERS | ODD, min_size=2, max_size=3)
FRAME = st.lists(POINT, min_size=2, max_size=2) | st.lists(NUMBERS, min_size=4, max_size=6)
SEQUENCE = st.lists(FRAME, max_size=4)
CONTENT = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), ANYTHING, max_size=4) | st.fixed_dictionaries(
    {"sequence": SEQUENCE | ANYTHING},
    optional={
        "timestamps_ms": st.lists(st.floats(0, 1e6) | NUMBERS, max_size=4) | ANYTHING,
        "fps": st.floats(0.001, 1e4) | ANYTHING,
        "coordinates": st.sampled_from(["fraction", "square", "metres", ""]) | ANYTHING,
        "image_wh": st.lists(st.integers(1, 10_000), min_size=2, max_size=2) | ANYTHING,
    },
)


def check(clips: list[Clip], manifest: Manifest) -> None:
    for clip in clips:
        assert clip.points.dtype == np.float32
        assert clip.points.shape[1:] == (2, manifest.channels)
        assert 1 <= len(clip) <= MOST_FRAMES
        assert not np.isinf(clip.points).any()
        assert (np.diff(clip.timestamps_ms) > 0).all()
        assert (clip.coordinates, clip.skeleton) == (manifest.coordinates, TWO)


def check_error(error: ApiError) -> None:
    assert error.code in ("bad_json", "bad_points", "bad_request")
    assert 10 < len(error.message) < 300
    assert error.message.isprintable()
    assert error.message.endswith(".")


def refusal(call: Any, *arguments: Any) -> str:
    with pytest.raises(ApiError) as caught:
        call(*arguments)
    check_error(caught.value)
    return f"{caught.value.code}: {caught.value.message}"


def read(content: Any, manifest: Manifest = FLAT) -> Clip:
    (clip,) = read_json(parse_json(json.dumps(content).encode()), manifest)
    return clip


@given(CONTENT | ANYTHING, MANIFESTS)
def test_any_json_is_clips_or_a_short_error(content: Any, manifest: Manifest) -> None:
    try:
        check(read_json(parse_json(json.dumps(content).encode()), manifest), manifest)
    except ApiError as error:
        check_error(error)


@given(st.binary(max_size=200) | st.text(alphabet='[]{}":,0123456789eE+-. \\ntrufalse', max_size=200).map(str.encode))
def test_any_bytes_are_an_object_or_a_short_error(body: bytes) -> None:
    try:
        assert isinstance(parse_json(body), dict)
    except ApiError as error:
        check_error(error)


QUERY = st.dictionaries(
    st.sampled_from(["fps", "channels", "coordinates", "image_width", "image_height", "bundle"]),
    st.sampled_from("2 3 30 nan inf -1 1e-320 fraction square 640".split()) | st.text(max_size=5),
)


@given(st.binary(max_size=120) | st.binary(min_size=48, max_size=48), QUERY, MANIFESTS)
def test_any_packed_body_is_a_clip_or_a_short_error(body: bytes, query: dict[str, str], manifest: Manifest) -> None:
    try:
        check([read_packed(body, query, manifest)], manifest)
    except ApiError as error:
        check_error(error)


@given(
    CONTENT | ANYTHING | st.binary(max_size=40) | st.fixed_dictionaries({"timestamp_ms": NUMBERS, "points": FRAME}),
    MANIFESTS,
)
def test_any_frame_is_points_or_a_short_error(content: Any, manifest: Manifest) -> None:
    try:
        points, time_ms = read_frame(content, manifest)
        assert points.shape == (2, manifest.channels)
        assert points.dtype == np.float32
        assert not np.isinf(points).any()
        assert abs(time_ms) < np.inf
    except ApiError as error:
        check_error(error)


@st.composite
def sequences(draw: st.DrawFn, channels: int = 2, largest: float = 1e6) -> np.ndarray:
    T = draw(st.integers(1, 6))
    values = st.floats(-largest, largest, width=32).filter(bool) | st.just(float("nan"))
    numbers = draw(st.lists(values, min_size=T * 2 * channels, max_size=T * 2 * channels))
    return np.array(numbers, np.float32).reshape(T, 2, channels)


def as_json(points: np.ndarray) -> list[Any]:
    """Return nested lists, null for NaN."""
    known = points.astype(object)
    known[np.isnan(points)] = None
    nested: list[Any] = known.tolist()
    return nested


@given(sequences(), st.floats(0.001, 10_000))
def test_nested_flat_and_packed_are_the_same(points: np.ndarray, fps: float) -> None:
    T = len(points)
    nested = read({"sequence": as_json(points), "fps": fps})
    flat = read({"sequence": as_json(points.reshape(T, -1)), "fps": fps})
    packed = read_packed(points.astype("<f4").tobytes(), {"fps": repr(fps)}, FLAT)
    for clip in (nested, flat, packed):
        np.testing.assert_array_equal(clip.points, points)
        np.testing.assert_array_equal(clip.timestamps_ms, times_at(fps, T))


@given(sequences())
def test_a_frame_of_a_stream_is_a_frame_of_a_sequence(points: np.ndarray) -> None:
    for frame in points:
        nested, at = read_frame({"timestamp_ms": 12.5, "points": as_json(frame)}, FLAT)
        packed, packed_at = read_frame(struct.pack("<d", 12.5) + frame.astype("<f4").tobytes(), FLAT)
        np.testing.assert_array_equal(nested, frame)
        np.testing.assert_array_equal(packed, frame)
        assert at == packed_at == 12.5


@given(sequences(channels=3))
def test_three_numbers_to_a_bundle_of_two_lose_the_third(points: np.ndarray) -> None:
    wanted = points[..., :2]
    for sequence in (as_json(points), as_json(points.reshape(len(points), -1))):
        np.testing.assert_array_equal(read({"sequence": sequence}).points, wanted)
    np.testing.assert_array_equal(read_packed(points.tobytes(), {"channels": "3"}, FLAT).points, wanted)
    np.testing.assert_array_equal(read({"sequence": as_json(points)}, DEEP).points, points)


@given(sequences(largest=16), st.integers(1, 10_000), st.integers(1, 10_000))
def test_fractions_with_the_picture_s_size_are_the_landmarker_s_points(
    points: np.ndarray, width: int, height: int
) -> None:
    size = {"coordinates": "fraction", "image_wh": [width, height]}
    wanted = as_square(points, (width, height))
    np.testing.assert_array_equal(read({"sequence": as_json(points), **size}).points, wanted)
    query = {"coordinates": "fraction", "image_width": str(width), "image_height": str(height)}
    np.testing.assert_array_equal(read_packed(points.tobytes(), query, FLAT).points, wanted)
    frame = {"timestamp_ms": 0, "points": as_json(points[0]), **size}
    np.testing.assert_array_equal(read_frame(frame, FLAT)[0], wanted[0])
    back = read({"sequence": as_json(wanted), "coordinates": "square", "image_wh": [width, height]}, FRACTION)
    np.testing.assert_allclose(back.points, points, rtol=1e-5, atol=1e-30)


def test_points_of_zeros_were_not_seen_but_in_metres() -> None:
    sequence = [[[0, 0], [0.5, 0]], [[0, 0.25], [0, 0]]]
    found = read({"sequence": sequence}).points
    np.testing.assert_array_equal(np.isnan(found).any(axis=2), [[True, False], [False, True]])
    deep = [[[0, 0, 0], [0.5, 0, 0]]]
    np.testing.assert_array_equal(read({"sequence": deep}, DEEP).points, deep)
    assert np.isnan(read_packed(bytes(16), {}, FLAT).points).all()


def test_a_wrist_of_zeros_in_a_hand_that_is_seen_is_a_place() -> None:
    points = np.full((1, 42, 2), 0.5)
    points[0, 0], points[0, 21:] = 0, 0
    found = read({"sequence": points.tolist()}, HANDS).points
    assert found[0, 0].tolist() == [0, 0]
    assert np.isnan(found[0, 21:]).all()


def test_times_are_those_that_were_sent() -> None:
    clip = read({"sequence": [[1] * 4] * 3, "timestamps_ms": [1.7e12, 1.7e12 + 33.25, 1.7e12 + 70]})
    assert clip.timestamps_ms.tolist() == [1.7e12, 1.7e12 + 33.25, 1.7e12 + 70]
    content = {"sequences": [[[1] * 4], [[2] * 4] * 2], "timestamps_ms": [[5], [6, 7.5]]}
    clips = read_json(parse_json(json.dumps(content).encode()), FLAT)
    assert [clip.timestamps_ms.tolist() for clip in clips] == [[5], [6, 7.5]]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "bad_json: the body is no JSON"),
        (b"{", "bad_json: the body is no JSON"),
        (b'{"sequence": [[NaN]]}', "A number that is not known is null."),
        (b'{"sequence": [[1e400]]}', "bad_json: the body is no JSON: number is infinity"),
        (b'{"sequence": "\xff"}', "bad_json: the body is no JSON"),
        (b"[1, 2]", "bad_request: expected a JSON object, found [1, 2]."),
        (b"null", "bad_request: expected a JSON object, found nothing."),
        (b"[" * 1100 + b"]" * 1100, "bad_json: the body is no JSON: depth limit exceeded"),
        (b"[" * 1020 + b"]" * 1020, "found [[[...]]]."),
        (json.dumps(["x" * 10_000]).encode(), "found ['xxxx"),
    ],
)
def test_bodies_that_are_no_objects_are_told(body: bytes, told: str) -> None:
    assert told in refusal(parse_json, body)


FOUR = [[0.5, 0.5], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({}, "expected either 'sequence' or 'sequences', a list of them."),
        ({"sequence": [FOUR], "sequences": [[FOUR]]}, "expected either"),
        ({"sequence": [FOUR], "speed": 1}, "unknown: ['speed']. There are: coordinates, fps, image_wh, sequence"),
        ({"sequence": []}, "bad_points: sequence: expected a list of one frame or more, found []."),
        ({"sequence": "abc"}, "bad_points: sequence: expected a list of one frame or more, found 'abc'."),
        ({"sequence": [[]]}, "bad_points: sequence: frame 0 has 0 numbers; the bundle takes 4 (2 points of"),
        ({"sequence": [FOUR, 3]}, "sequence: frame 1 is 3; expected a list of points, or of numbers."),
        ({"sequence": [FOUR, None]}, "sequence: frame 1 is nothing; expected a list"),
        ({"sequence": [[1, 2, 3]]}, "frame 0 has 3 numbers; the bundle takes 4 (2 points of skeleton 'two', 2 numbers"),
        ({"sequence": [FOUR, [1] * 6]}, "frame 1 has 6 numbers, the first one 4; all must be alike."),
        ({"sequence": [FOUR, [[1, 2, 3]]]}, "sequence: frame 1 has 1 points; the bundle takes 2."),
        ({"sequence": [[[1, 2], [1]]]}, "frame 0 has 2 numbers in its first point, and 1 in point 1."),
        ({"sequence": [[[1, 2], 3, 4]]}, "frame 0 holds points and, beside them, 3; expected one kind of them."),
        ({"sequence": [[[1, 2], None]]}, "frame 0 holds points and, beside them, nothing;"),
        ({"sequence": [[[[1], 2], [3, 4]]]}, "frame 0 holds [1]; expected numbers, and null"),
        ({"sequence": [[1, True, 1, 1]]}, "frame 0 holds True; expected numbers, and null for those"),
        ({"sequence": [FOUR, [[1, "2"], [1, 1]]]}, "frame 1 holds '2'; expected numbers"),
        ({"sequence": [[1, {"x": 1}, 1, 1]]}, "frame 0 holds {'x': 1}; expected numbers"),
        ({"sequence": [[1, 1, 1, 1e7]]}, "sequence: a number is infinite or above 1e+06; null is one that is not"),
        ({"sequence": [[1, 1, 1, 1e39]]}, "infinite or above 1e+06"),
        ({"sequence": [[1, 1, 1, 10**300]]}, "infinite or above 1e+06"),
        ({"sequence": [FOUR] * (MOST_FRAMES + 1)}, f"sequence has {MOST_FRAMES + 1} frames; at most {MOST_FRAMES}"),
        ({"sequences": []}, "sequences: expected a list of 1 to 256, found []."),
        ({"sequences": {"a": 1}}, "sequences: expected a list of 1 to 256, found {'a': 1}."),
        ({"sequences": [[FOUR]] * (MOST_SEQUENCES + 1)}, "sequences: expected a list of 1 to 256, found a list of 257"),
        ({"sequences": [[FOUR], [FOUR, [1]]]}, "sequences[1]: frame 1 has 1 numbers"),
        ({"sequences": [[FOUR]], "timestamps_ms": 3}, "a list for each of the 1 sequences, found 3."),
        ({"sequences": [[FOUR]], "timestamps_ms": [[1], [2]]}, "a list for each of the 1 sequences, found [[1], [2]]."),
        ({"sequences": [[FOUR]], "timestamps_ms": [[1, 2]]}, "timestamps_ms[0] has 2 times for 1 frames."),
        ({"sequence": [FOUR], "timestamps_ms": "0"}, "timestamps_ms: expected a list of milliseconds, found '0'."),
        ({"sequence": [FOUR], "timestamps_ms": [None]}, "timestamps_ms: expected milliseconds at 0, found nothing."),
        ({"sequence": [FOUR], "timestamps_ms": [True]}, "expected milliseconds at 0, found True."),
        ({"sequence": [FOUR], "timestamps_ms": [1e16]}, "expected milliseconds at 0, found 1e+16."),
        ({"sequence": [FOUR], "timestamps_ms": []}, "timestamps_ms has 0 times for 1 frames."),
        ({"sequence": [FOUR] * 2, "timestamps_ms": [5, 5]}, "timestamps must be finite and rise from frame to frame"),
        ({"sequence": [FOUR] * 2, "timestamps_ms": [5, 4]}, "timestamps must be finite and rise"),
        ({"sequence": [FOUR], "fps": 0}, "fps: expected a number from 0.001 to 10000, found 0."),
        ({"sequence": [FOUR], "fps": "30"}, "fps: expected a number from 0.001 to 10000, found '30'."),
        ({"sequence": [FOUR], "fps": True}, "fps: expected a number"),
        ({"sequence": [FOUR], "fps": 5e-324}, "fps: expected a number"),
        ({"sequence": [FOUR], "coordinates": "metres"}, "expected 'fraction' or 'square', found 'metres'."),
        ({"sequence": [FOUR], "coordinates": ["square"]}, "expected 'fraction' or 'square', found ['square']."),
        ({"sequence": [FOUR], "coordinates": "fraction"}, "coordinates 'fraction' need image_wh, such as [640, 480]."),
        ({"sequence": [FOUR], "image_wh": [640]}, "image_wh: expected width and height in pixels, such as [640, 480];"),
        ({"sequence": [FOUR], "image_wh": [640, 0]}, "image_wh: expected width and height in pixels"),
        ({"sequence": [FOUR], "image_wh": [640.5, 480]}, "image_wh: expected"),
        ({"sequence": [FOUR], "image_wh": [MOST_PIXELS + 1, 1]}, "image_wh: expected"),
        ({"sequence": [FOUR], "image_wh": {"w": 1}}, "found {'w': 1}."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(content: Any, told: str) -> None:
    assert told in refusal(read, content)


def test_a_bundle_of_metres_takes_no_fractions() -> None:
    content = {"sequence": [[1] * 6], "coordinates": "fraction", "image_wh": [640, 480]}
    assert "the bundle takes metres, which 'fraction' cannot be turned into." in refusal(read, content, DEEP)


def test_a_bundle_of_three_takes_no_two() -> None:
    assert "frame 0 has 4 numbers; the bundle takes 6 (2 points" in refusal(read, {"sequence": [FOUR]}, DEEP)
    assert "channels: expected 3, found '2'." in refusal(read_packed, bytes(16), {"channels": "2"}, DEEP)
    assert "expected 8 for the time, and 24 for 2 points of 3 numbers." in refusal(read_frame, bytes(24), DEEP)


@pytest.mark.parametrize(
    ("body", "query", "told"),
    [
        (b"", {}, "bad_points: the body has 0 bytes; expected one frame or more of 16 bytes: 2 points, 2 numbers each"),
        (bytes(17), {}, "the body has 17 bytes"),
        (bytes(16), {"channels": "3"}, "the body has 16 bytes; expected one frame or more of 24 bytes"),
        (bytes(16), {"channels": "4"}, "bad_request: channels: expected 2 or 3, found '4'."),
        (bytes(16), {"fps": "fast"}, "fps: expected a number, found 'fast'."),
        (bytes(16), {"fps": "nan"}, "fps: expected a number from 0.001 to 10000, found nan."),
        (bytes(16), {"image_width": "640"}, "image_wh: expected width and height in pixels"),
        (bytes(16), {"image_width": "640", "image_height": "x"}, "image_height: expected a number, found 'x'."),
        (bytes(16), {"coordinates": "fraction"}, "coordinates 'fraction' need image_wh"),
        (np.full(4, np.inf, "<f4").tobytes(), {}, "body: a number is infinite or above 1e+06"),
        (bytes(16 * (MOST_FRAMES + 1)), {}, f"body has {MOST_FRAMES + 1} frames; at most {MOST_FRAMES} are taken."),
    ],
)
def test_packed_bodies_that_do_not_fit_are_told(body: bytes, query: dict[str, str], told: str) -> None:
    assert told in refusal(read_packed, body, query, FLAT)


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (None, "expected an object with 'timestamp_ms' and 'points', found nothing."),
        ("x", "expected an object with 'timestamp_ms' and 'points', found 'x'."),
        ({"points": FOUR}, "timestamp_ms: expected milliseconds, found nothing."),
        ({"timestamp_ms": "3", "points": FOUR}, "timestamp_ms: expected milliseconds, found '3'."),
        ({"timestamp_ms": 3}, "points: frame 0 is nothing; expected a list of points, or of numbers."),
        ({"timestamp_ms": 3, "points": [[1, 2]]}, "has 1 points; the bundle takes 2."),
        (
            b"",
            "a frame has 0 bytes; expected 8 for the time, and 16 for 2 points of 2 numbers, or 24 with a third one.",
        ),
        (struct.pack("<d4f", float("nan"), 1, 1, 1, 1), "the time of the frame is nan; expected milliseconds."),
        (struct.pack("<d4f", 1e300, 1, 1, 1, 1), "the time of the frame is 1e+300; expected milliseconds."),
        (struct.pack("<d4f", 0, 1, 1, 1, float("inf")), "points: a number is infinite or above 1e+06"),
    ],
)
def test_frames_that_are_none_are_told(frame: Any, told: str) -> None:
    assert told in refusal(read_frame, frame, FLAT)


def test_units_that_are_the_bundle_s_change_nothing() -> None:
    points = np.full((1, 2, 2), 0.5, np.float32)
    assert Units("square", (640, 480)).applied(points, FLAT) is points
    assert Units().applied(points, FRACTION) is points


def test_one_long_text_among_many_costs_no_memory() -> None:
    """NumPy would give each of the others as much room as the longest."""
    sequence = [["x" * 1_000_000, 1, 1, 1], *[["x", 1, 1, 1]] * 9_000]
    assert "frame 0 holds 'xxx" in refusal(read_json, {"sequence": sequence}, FLAT)
