"""Pictures from anybody: read, or refused before much is spent on them."""

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.errors import VideoError
from ademan.video import encoded_size, read_encoded


def encoded(suffix: str = ".jpg", size_wh: tuple[int, int] = (60, 40), *options: int) -> bytes:
    image = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    image[:, : size_wh[0] // 2] = (0, 0, 250)  # OpenCV has blue first: the left half is red
    return bytes(cv2.imencode(suffix, image, options)[1])


@pytest.mark.parametrize(
    "content",
    [
        encoded(),
        encoded(".jpg", (60, 40), cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        encoded(".webp", (60, 40), cv2.IMWRITE_WEBP_QUALITY, 80),
        encoded(".webp", (60, 40), cv2.IMWRITE_WEBP_QUALITY, 101),
    ],
    ids=["jpeg", "progressive", "webp", "lossless webp"],
)
def test_a_picture_is_read_red_first(content: bytes) -> None:
    assert encoded_size(content) == (60, 40)
    image = read_encoded(content, 60)
    assert image.shape == (40, 60, 3)
    assert image[20, 10].tolist() == pytest.approx([250, 0, 0], abs=12)
    with pytest.raises(VideoError, match="60 x 40 pixels; 1 to 59 a side"):
        read_encoded(content, 59)


def test_the_size_of_an_extended_webp_is_that_of_its_canvas() -> None:
    head = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")
    assert encoded_size(head) == (640, 480)
    assert encoded_size(head[:-1]) is None


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"RIFF", encoded(".png"), b"GIF89a" + bytes(50), bytes(100)])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(VideoError, match="neither a JPEG nor a WebP"):
        read_encoded(content, 1280)


def test_a_picture_that_claims_to_be_huge_is_not_decoded() -> None:
    content = bytearray(encoded())
    place = content.index(b"\xff\xc0") + 5
    content[place : place + 4] = struct.pack(">HH", 60_000, 60_000)
    with pytest.raises(VideoError, match="60000 x 60000"):
        read_encoded(bytes(content), 1280)


def test_a_picture_of_very_many_scans_is_refused() -> None:
    content = encoded(".jpg", (60, 40), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    scan = content.rindex(b"\xff\xda")
    with pytest.raises(VideoError, match="more than 16 scans"):
        read_encoded(content[:-2] + content[scan:-2] * 20 + content[-2:], 1280)


@given(st.data())
def test_damage_is_refused_or_read_but_nothing_else(data: st.DataObject) -> None:
    content = bytearray(encoded(data.draw(st.sampled_from([".jpg", ".webp"]))))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = read_encoded(bytes(content[: data.draw(st.integers(0, len(content)))]), 1280)
    except VideoError:
        return
    assert max(image.shape[:2]) <= 1280
