import pytest

from ademan.datasets.importers.parts import join_parts, split_name
from ademan.errors import SourceError


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("train1", ("1", "train")),
        ("test12", ("12", "test")),
        ("train", ("official", "train")),
        ("xsub_val", ("xsub", "val")),
        ("train_xsub", ("xsub", "train")),
        ("natops_test", ("natops", "test")),
        ("a_train_2", ("a_2", "train")),
        ("../x_train", ("-x", "train")),
        ("training", None),
        ("trainval", None),
        ("all", None),
    ],
)
def test_names_say_split_and_part(name: str, place: tuple[str, str] | None) -> None:
    assert split_name(name) == place


def test_pairs_are_joined_and_a_lone_val_is_the_test() -> None:
    splits, notes = join_parts(
        {
            "train1": ["a"],
            "test1": ["b"],
            "xsub_train": ["a"],
            "xsub_val": ["b"],
            "val": ["c"],
            "test": ["b"],
            "train": ["a"],
        },
        "x.pkl",
    )
    assert splits == {
        "1": {"train": ["a"], "test": ["b"]},
        "xsub": {"train": ["a"], "test": ["b"]},
        "official": {"train": ["a"], "test": ["b"], "val": ["c"]},
    }
    assert notes == ("split 'xsub' has train and val only: its val is the test",)


def test_lists_that_make_no_split_are_passed_over_and_named() -> None:
    splits, notes = join_parts({"all": ["a"], "train1": ["a"], "test2": ["a"]}, "x.pkl")
    assert splits == {}
    assert notes == (
        "the list 'all' names no part (train, val, test) and was passed over",
        "split '1' has no test and was passed over",
        "split '2' has no train and was passed over",
    )


def test_a_clip_on_both_sides_is_refused() -> None:
    with pytest.raises(SourceError, match=r"x\.pkl: clip 'b' is in both train and test of split '1'"):
        join_parts({"train1": ["a", "b"], "test1": ["b"]}, "x.pkl")
    with pytest.raises(SourceError, match="clip 'a' is in both train and val of split 'official'"):
        join_parts({"train": ["a"], "test": ["b"], "val": ["a"]}, "x.pkl")


def test_an_id_that_is_listed_twice_in_one_part_does_no_harm() -> None:
    assert join_parts({"train1": ["a", "a"], "test1": ["b"]}, "x.pkl")[0]["1"]["train"] == ["a", "a"]
