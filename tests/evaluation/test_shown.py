from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ademan.errors import EvaluationError
from ademan.evaluation.shown import LabelledInterval, joined, read_intervals
from tests.conftest import MakeClip


def file(folder: Path, *lines: str, head: str = "start_ms,end_ms,label") -> Path:
    path = folder / "a.intervals.csv"
    path.write_text("\n".join((head, *lines)), encoding="utf-8")
    return path


def test_intervals_are_read_in_order_of_time_and_idle_ones_passed_over(tmp_path: Path) -> None:
    path = file(tmp_path, "5000,6000,b", "0,900,idle", "1000,2500.5, a ")
    assert read_intervals(path, "idle") == [LabelledInterval("a", 1000, 2500.5), LabelledInterval("b", 5000, 6000)]


def test_more_columns_in_another_order_are_welcome(tmp_path: Path) -> None:
    path = file(tmp_path, "a,x,0,500", "b,y,500,900", head="\ufefflabel,who,start_ms,end_ms")
    assert [one.label for one in read_intervals(path)] == ["a", "b"]


def test_a_recording_may_show_nothing(tmp_path: Path) -> None:
    assert read_intervals(file(tmp_path)) == []


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("0,x,a",), "line 2: start_ms and end_ms must be numbers, found '0' and 'x'"),
        (("0,500,a", "600"), "line 3: start_ms and end_ms must be numbers, found '600' and ''"),
        (("900,500,a",), "line 2: expected 0 <= start_ms < end_ms and a label, found 900, 500 and 'a'"),
        (("0,nan,a",), "expected 0 <= start_ms < end_ms"),
        (("0,900, ",), "and a label, found 0, 900 and ' '"),
        (("1.5,2.5,a",), "line 2: a lasts 1 ms, less than two frames. Times are milliseconds: are these seconds"),
        (
            ("400,900,b", "0,500,a"),
            r"a \(0 to 500 ms\) and b \(400 to 900 ms\) overlap; expected one gesture at a time",
        ),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, lines: tuple[str, ...], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        read_intervals(file(tmp_path, *lines))


def test_a_missing_column_or_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"has no column end_ms, label\. Its first line must be: start_ms,end_"):
        read_intervals(file(tmp_path, head="start_ms,stop"))
    with pytest.raises(EvaluationError, match=r"gone\.csv cannot be read"):
        read_intervals(tmp_path / "gone.csv")


def test_joined_clips_show_each_gesture_where_its_points_are(make_clip: MakeClip, rng: np.random.Generator) -> None:
    clips = [make_clip(name, label, frames=20 + i) for i, (name, label) in enumerate(zip("xyz", "aab", strict=True))]
    stream, shown = joined(clips, rng, gap_ms=800)
    assert sorted(one.label for one in shown) == ["a", "a", "b"]
    assert np.isnan(stream.points[[0, -1]]).all()
    for one in shown:
        inside = (stream.timestamps_ms >= one.start_ms - 1e-6) & (stream.timestamps_ms <= one.end_ms + 1e-6)
        assert any(np.array_equal(stream.points[inside], clip.points) for clip in clips)
    assert sum(one.end_ms - one.start_ms for one in shown) == pytest.approx(sum(clip.duration_ms for clip in clips))
    gaps = [b.start_ms - a.end_ms for a, b in pairwise(shown)]
    assert all(400 <= gap <= 1300 for gap in gaps)


def test_clips_without_a_label_are_joined_as_no_gesture(make_clip: MakeClip, rng: np.random.Generator) -> None:
    stream, shown = joined([make_clip("x", None), make_clip("y", "a")], rng)
    assert [one.label for one in shown] == ["a"]
    assert stream.label is None
