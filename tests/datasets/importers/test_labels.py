import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.datasets.importers.labels import chosen, named, read_labels
from ademan.errors import SourceError

NAMES = {0: "catch", 1: "clap", 2: "golf"}


@pytest.mark.parametrize(
    "text",
    ["catch\nclap\ngolf\n", "\ufeffcatch\r\nclap\r\n\r\ngolf", "1 catch\n2 clap\n3 golf", "0 catch\n1 clap\n2\tgolf"],
)
def test_a_text_file_names_classes_by_their_order(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.txt").write_bytes(text.encode())
    assert read_labels(tmp_path / "labels.txt") == NAMES


def test_names_that_begin_with_numbers_are_kept(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("2 hands up\n1 hand up\n")
    assert read_labels(tmp_path / "labels.txt") == {0: "2 hands up", 1: "1 hand up"}


@pytest.mark.parametrize(
    "content", [["catch", "clap", "golf"], {"golf": 2, "catch": 0, "clap": 1}, {str(k): v for k, v in NAMES.items()}]
)
def test_a_json_file_names_classes_in_any_of_three_ways(tmp_path: Path, content: object) -> None:
    (tmp_path / "labels.json").write_text(json.dumps(content))
    assert list(read_labels(tmp_path / "labels.json").items()) == list(NAMES.items())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "is empty; expected one name a line"),
        ("a.json", b"{}", "is empty"),
        ("a.txt", b"wave\nclap\nwave", "has the name 'wave' 2 times; each class needs its own"),
        ("a.json", b'{"a": 1, "b": 1}', "has the number '1' 2 times"),
        ("a.txt", b"\xff\xfe", "cannot be read"),
        ("a.json", b"{", "cannot be read: Expecting"),
        ("a.json", b'{"a": "b"}', "cannot be read: invalid literal for int"),
        ("a.json", b"[1, 2]", r'expected \["name", ...\], \{"name": number\} or \{"number": "name"\}'),
        ("a.json", b'{"a": true}', "expected"),
        ("a.json", rb'["\u0000"]', r"has the name '\\x00', which cannot be printed"),
        ("a.json", b'[""]', "has the name '', which cannot be printed"),
    ],
)
def test_other_label_files_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        read_labels(tmp_path / name)


def test_a_missing_label_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.txt cannot be read: .*No such file"):
        read_labels(tmp_path / "gone.txt")


def test_classes_are_named_by_their_numbers_where_no_names_are_known() -> None:
    assert named([10, 9, 10], None, None, "x.pkl") == {9: "9", 10: "10"}
    assert named([2, 0], NAMES, None, "x.pkl") == {0: "catch", 2: "golf"}


def test_a_label_file_that_belongs_to_another_set_is_refused() -> None:
    with pytest.raises(
        SourceError, match=r"x\.pkl has clips of class 23; label file jhmdb\.txt has 3 names, for 0 to 2"
    ):
        named([0, 23], NAMES, Path("jhmdb.txt"), "x.pkl")


@given(classes=st.lists(st.sampled_from(["0", "1", "2", *NAMES.values()]), min_size=1))
def test_chosen_classes_keep_the_order_asked_for(classes: list[str]) -> None:
    names = [NAMES[int(wanted)] if wanted.isdigit() else wanted for wanted in classes]
    assert list(chosen(NAMES, classes, "x.pkl").values()) == list(dict.fromkeys(names))


def test_no_choice_is_all_and_a_name_goes_before_a_number() -> None:
    assert chosen(NAMES, (), "x.pkl") == NAMES
    assert chosen({0: "1", 1: "one"}, ["1"], "x.pkl") == {0: "1"}


def test_an_unknown_class_is_named_with_its_nearest() -> None:
    with pytest.raises(SourceError, match=r"x\.pkl has no clip of class 'clapp'. Did you mean clap\?"):
        chosen(NAMES, ["clapp"], "x.pkl")
    with pytest.raises(SourceError, match=r"no clip of class 'zzz'. It has: catch, clap, golf"):
        chosen(NAMES, ["zzz"], "x.pkl")
