"""Notes in pictures: what is written is read, the picture stays, and what is no note is none."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.errors import VideoError
from ademan.video.folder import read_picture
from ademan.video.note import encode_jpeg, read_note, with_note
from tests.video.conftest import corner

JPEG = encode_jpeg(corner(), 90)


@given(note=st.dictionaries(st.text(max_size=20), st.text(max_size=20) | st.floats(-1e9, 1e9) | st.integers()))
def test_a_note_comes_back_and_the_picture_stays(
    tmp_path_factory: pytest.TempPathFactory, note: dict[str, object]
) -> None:
    path = tmp_path_factory.mktemp("noted") / "a.jpg"
    path.write_bytes(with_note(JPEG, note))
    assert read_note(path) == note
    (path.with_name("b.jpg")).write_bytes(JPEG)
    image, same = read_picture(path), read_picture(path.with_name("b.jpg"))
    assert image is not None
    assert same is not None
    np.testing.assert_array_equal(image, same)
    assert np.abs(image.astype(int) - corner()).mean() < 4


def test_a_higher_quality_keeps_more_of_a_picture(rng: np.random.Generator) -> None:
    image = rng.integers(0, 255, (48, 64, 3)).astype(np.uint8)
    assert len(encode_jpeg(image, 95)) > len(encode_jpeg(image, 50))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        JPEG,
        JPEG[:10],
        b"\xff\xd8\xff\xfe",
        b"\xff\xd8\xff\xfe\x00\x01ademan {}",
        b"\xff\xd8\xff\xfe\xff\xffademan {}" + bytes(70_000),
        b"\xff\xd8\xff\xfe\x00\x0bademan []" + JPEG[2:],
        b"\xff\xd8\xff\xfe\x00\x0bademan {{" + JPEG[2:],
        b"\xff\xd8\xff\xfe\x00\x0bademan \xff\xff" + JPEG[2:],
        b"\xff\xd8\xff\xfe\x0f\x00ademan " + b"[" * 3900,
        b"\xff\xd8\xff\xfe\x00\x0bAnother note",
    ],
)
def test_what_is_no_note_of_ours_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert read_note(tmp_path / "a.jpg") == {}


def test_a_picture_that_is_not_there_has_no_note(tmp_path: Path) -> None:
    assert read_note(tmp_path / "gone.jpg") == {}


def test_a_note_that_is_too_long_is_refused() -> None:
    with pytest.raises(VideoError, match="the note of a picture has 5,"):
        with_note(JPEG, {"subject": "a" * 5000})


def test_a_picture_that_is_too_large_for_a_jpeg_file_is_refused() -> None:
    with pytest.raises(VideoError, match="1 x 70000 pixels cannot be a JPEG file"):
        encode_jpeg(np.zeros((70_000, 1, 3), np.uint8), 90)


def test_other_programs_read_pictures_with_notes() -> None:
    image = cv2.imdecode(np.frombuffer(with_note(JPEG, {"subject": "ann"}), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (48, 64, 3)
