"""`ademan calibrate`, and `ademan evaluate` of a recording, as a user meets them."""

import json
import shutil
from pathlib import Path

import pytest

from ademan.bundle import read_bundle
from ademan.datasets import DatasetWriter
from ademan.skeleton import skeleton
from tests.cli.conftest import Run
from tests.conftest import MakeClip


@pytest.fixture
def recordings(tmp_path: Path, make_clip: MakeClip) -> Path:
    """A dataset of three unlabelled recordings, a minute together."""
    path = tmp_path / "recordings.h5"
    with DatasetWriter(path, skeleton("hands")) as writer:
        for i in range(3):
            writer.add(make_clip(f"r{i}", None, frames=500, speed=10.0, image_wh=(640, 480)))
    return path


@pytest.fixture
def intervals(tmp_path: Path) -> Path:
    path = tmp_path / "r0.intervals.csv"
    path.write_text("start_ms,end_ms,label\n2000,3500,a\n8000,9000,b\n5000,6000,idle\n", encoding="utf-8")
    return path


def test_a_bundle_is_calibrated_into_a_new_one(run: Run, small_bundle: Path, recordings: Path, tmp_path: Path) -> None:
    new = tmp_path / "calibrated"
    code, told, notes = run("calibrate", small_bundle, recordings, "-o", new)
    assert code == 0
    assert "threshold 0.5, release 0.35: 0 false events in 1.0 minutes of idling" in told
    assert "with 95 % confidence there are fewer than 1.8e+02 false events an hour" in told
    assert "so short a recording cannot prove 1 an hour: that takes 3.0 hours of idling or more" in notes
    assert read_bundle(new).manifest.thresholds.calibrated
    assert not read_bundle(small_bundle).manifest.thresholds.calibrated
    assert run("verify", new)[0] == 0


def test_without_an_output_the_bundle_itself_is_calibrated(
    run: Run, small_bundle: Path, recordings: Path, tmp_path: Path
) -> None:
    bundle = shutil.copytree(small_bundle, tmp_path / "bundle")
    code, told, _ = run("calibrate", bundle, f"{recordings}#r0", f"{recordings}#r1", "--per-hour", 90, "--json")
    found = json.loads(told)
    assert code == 0
    assert found["hours"] == pytest.approx(40 / 3600, rel=0.01)
    assert found["thresholds"] == {"accept": 0.5, "release": 0.35, "calibrated": True}
    assert not found["proven"]
    assert read_bundle(bundle).manifest.training["calibration"]["on"] == ["recordings.h5#r0", "recordings.h5#r1"]


def test_the_cost_in_gestures_is_told(
    run: Run, small_bundle: Path, recordings: Path, dataset_file: Path, tmp_path: Path
) -> None:
    flags = ("--gestures", dataset_file, "--least-ms", 0, "--smoothing-ms", 0, "--json")
    code, told, _ = run("calibrate", small_bundle, recordings, *flags, "-o", tmp_path / "new")
    assert code == 0
    assert all(0 <= tried["detected"] <= 1 for tried in json.loads(told)["tried"])
    assert json.loads(told)["stream"]["least_ms"] == 0


def test_gestures_are_no_idle_recordings(run: Run, small_bundle: Path, dataset_file: Path, tmp_path: Path) -> None:
    code, _, message = run("calibrate", small_bundle, dataset_file, "-o", tmp_path / "new")
    assert code == 1
    assert "clip 'c00' is labelled 'a', which is a gesture of the bundle" in message
    assert not (tmp_path / "new").exists()


def test_a_recording_is_judged_by_its_events(
    run: Run, small_bundle: Path, recordings: Path, intervals: Path, tmp_path: Path
) -> None:
    named = (small_bundle, f"{recordings}#r0", "--intervals", intervals)
    code, told, _ = run("evaluate", *named, "-o", tmp_path / "report", "--accept", 0.6, "--json")
    found = json.loads(told)
    assert code == 0
    assert (found["made"], list(found["labels"])) == (2, ["a", "b"])
    assert found == json.loads((tmp_path / "report" / "stream.json").read_text(encoding="utf-8"))
    code, told, _ = run("evaluate", *named)
    assert code == 0
    assert "gesture  made  named  again  confused  false" in told
    assert "false events an hour in" in told


def test_intervals_are_of_one_recording(run: Run, small_bundle: Path, recordings: Path, intervals: Path) -> None:
    code, _, message = run("evaluate", small_bundle, recordings, "--intervals", intervals)
    assert code == 1
    assert "recordings.h5 holds more than one recording" in message
    assert "name it, as FILE.h5#CLIP" in message


def test_options_of_the_other_kind_of_evaluation_are_refused(
    run: Run, small_bundle: Path, recordings: Path, intervals: Path
) -> None:
    named = (small_bundle, f"{recordings}#r0")
    code, _, message = run("evaluate", *named, "--intervals", intervals, "--split", "random")
    assert (code, "leave out --split, --fractions, --split-seed" in message) == (2, True)
    code, _, message = run("evaluate", small_bundle, recordings, "--accept", 0.9)
    assert (code, "it takes a recording and --intervals" in message) == (2, True)
