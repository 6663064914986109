"""Places in a bucket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.errors import StorageError
from ademan.storage import Place, is_remote

NAMES = st.text("abcXYZ019._-+ ü", min_size=1, max_size=12).filter(lambda name: name not in (".", ".."))


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_a_place_is_read_as_it_is_written(names: list[str]) -> None:
    place = Place("bucket", "/".join(names))
    assert Place.parse(str(place)) == place
    assert place.prefix + place.name == place.key
    assert place.name == names[-1]


@given(st.text())
def test_a_place_never_leads_out_of_its_bucket(text: str) -> None:
    try:
        place = Place.parse(f"s3://bucket/{text}")
    except StorageError:
        return
    assert not {"", ".", ".."} & set(place.key.split("/"))
    assert place.key.isprintable()
    assert place.key == text


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("s3:/x", r"'s3:/x' is no place in a bucket; expected s3://BUCKET/PREFIX/NAME\.$"),
        ("hands.h5", r"'hands.h5' is no place in a bucket; expected"),
        ("http://localhost:9000/bucket/x", r"expected .* The address of a server goes into --endpoint-url\.$"),
        ("s3://", r"a bucket cannot be called ''; expected"),
        ("s3://b/x", r"'s3://b/x' is no place in a bucket: a bucket cannot be called 'b'; expected"),
        ("s3://buck et/x", r"a bucket cannot be called 'buck et'; expected"),
        ("s3://bucket", r"it names no object, only where one could be; expected"),
        ("s3://bucket/models/", r"it names no object, only where one could be; expected"),
        ("s3://bucket/../x", r"a part of it is empty, '\.' or '\.\.'\.$"),
        ("s3://bucket/a/./x", r"a part of it is empty, '\.' or '\.\.'\.$"),
        ("s3://bucket//x", r"a part of it is empty, '\.' or '\.\.'\.$"),
        ("s3://bucket/a\\x", r"a backslash, or a character that cannot be printed, is in its name\.$"),
        ("s3://bucket/a\nb", r"a backslash, or a character that cannot be printed, is in its name\.$"),
        ("s3://bucket/\udcff", r"a backslash, or a character that cannot be printed, is in its name\.$"),
        ("s3://bucket/" + "ü" * 600, r"its name has 1,200 bytes, S3 allows 1,024\.$"),
    ],
)
def test_what_is_no_place_is_refused(url: str, why: str) -> None:
    with pytest.raises(StorageError, match=why):
        Place.parse(url)


@pytest.mark.parametrize(
    ("text", "remote"),
    [("s3://bucket/x", True), ("S3://bucket/x", True), ("s3:/x", True), ("s3", False), ("./s3/x", False), ("", False)],
)
def test_what_is_meant_as_a_place_is_known(text: str, remote: bool) -> None:
    assert is_remote(text) is remote
