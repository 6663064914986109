import json
from pathlib import Path

import pytest

from ademan.datasets.importers.layout import find_skeleton, layouts_of, parse_size
from ademan.errors import ConfigError, SkeletonError, SourceError
from ademan.skeleton import BUILT_IN, skeleton


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "embedding12"])
@pytest.mark.parametrize("C", [2, 3])
def test_a_skeleton_is_found_by_its_number_of_values(name: str, C: int) -> None:
    P = len(BUILT_IN[name])
    for given in ("", name):
        found = find_skeleton(given, layouts_of(P * C), "x")
        assert (found[0].name, found[1]) == (name, C)


def test_a_skeleton_of_ones_own_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps(skeleton("point").to_json() | {"name": "mine"}))
    assert find_skeleton(str(tmp_path / "mine.json"), [(1, 3)], "x")[0].name == "mine"


def test_values_that_no_skeleton_has_are_refused() -> None:
    with pytest.raises(SourceError, match=r"x has 24 values a frame; no built-in skeleton fits .*hands 42.*--skeleton"):
        find_skeleton("", layouts_of(24), "x has 24 values a frame")
    with pytest.raises(
        SourceError, match="skeleton 'coco17' has 17 points, 34 values in two dimensions and 51 in three"
    ):
        find_skeleton("coco17", layouts_of(126), "x has 126 values a frame")
    with pytest.raises(SkeletonError, match="no skeleton 'elbow'"):
        find_skeleton("elbow", layouts_of(126), "x")


def test_two_skeletons_that_fit_are_both_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "other", BUILT_IN["coco17"])
    with pytest.raises(SourceError, match=r"more than one skeleton fits \(coco17 17, coco17 17\)"):
        find_skeleton("", [(17, 2)], "x")


def test_image_sizes_are_width_and_height() -> None:
    assert parse_size("640x480") == (640, 480)
    assert parse_size("") is None
    for text in ("640", "640 x 480", "0x480", "-1x2", "640x480x3"):
        with pytest.raises(ConfigError, match="expected width and height in pixels, such as 640x480"):
            parse_size(text)
