"""`ademan evaluate` with clips that show no gesture, as a user meets it."""

import json
from pathlib import Path

import pytest

from ademan.datasets import DatasetWriter
from ademan.skeleton import skeleton
from tests.cli.conftest import Run
from tests.conftest import MakeClip


@pytest.fixture
def gestures(tmp_path: Path, make_clip: MakeClip) -> Path:
    path = tmp_path / "hands.h5"
    with DatasetWriter(path, skeleton("hands")) as writer:
        for i in range(6):
            writer.add(make_clip(f"c{i}", "ab"[i % 2]))
    return path


@pytest.fixture
def waves(tmp_path: Path, make_clip: MakeClip) -> Path:
    """Two minutes by four people."""
    path = tmp_path / "waves.h5"
    with DatasetWriter(path, skeleton("hands")) as writer:
        for i in range(4):
            writer.add(make_clip(f"w{i}", "wave", frames=750, speed=15.0, subject=f"s{i}"))
    return path


def test_what_shows_no_gesture_is_told(run: Run, small_bundle: Path, gestures: Path, waves: Path) -> None:
    code, told, _ = run("evaluate", small_bundle, gestures, "--others", waves)
    assert code == 0
    assert "clips that show no gesture: 4 waves.h5" in told
    assert "0.5 (its own)" in told
    assert "These are too few clips to choose a threshold by." in told
    assert "(for 1" not in told
    assert "Live, in 2 minutes of clips without a gesture, joined to a stream" in told


def test_without_such_clips_it_is_said_that_mistakes_are_not_known(
    run: Run, small_bundle: Path, gestures: Path
) -> None:
    code, told, noted = run("evaluate", small_bundle, gestures)
    assert (code, "clips that show no gesture" in told) == (0, False)
    assert "How often it fires by mistake is not known" in noted
    assert "ademan evaluate BUNDLE DATASET --others CLIPS.h5" in noted


def test_clips_too_short_for_a_stream_are_said_to_be_so(
    run: Run, small_bundle: Path, gestures: Path, tmp_path: Path, make_clip: MakeClip
) -> None:
    with DatasetWriter(tmp_path / "many.h5", skeleton("hands")) as writer:
        for i in range(20):
            writer.add(make_clip(f"w{i}", "wave"))
    _, told, _ = run("evaluate", small_bundle, gestures, "--others", tmp_path / "many.h5")
    assert "How often it fires by mistake live is not known: these clips last less than a minute together." in told
    assert "(for 5 %)" in told
    assert "(for 1 %)" not in told
    assert "Thresholds were chosen on these very clips, which flatters them a little." in told


def test_its_flags_reach_the_figures(run: Run, small_bundle: Path, gestures: Path, waves: Path) -> None:
    flags = ("--others-split", "group:subject:s1,s2,s3", "--idle-minutes", 1.2)
    code, told, _ = run("evaluate", small_bundle, gestures, "--others", waves, *flags, "--json")
    found = json.loads(told)
    assert code == 0
    assert (found["rejection"]["others"], found["rejection"]["gestures"]) == (3, 6)
    assert found["idle_stream"]["hours"] * 60 == pytest.approx(1.2, abs=0.01)


def test_gestures_of_the_bundle_are_no_others(run: Run, small_bundle: Path, gestures: Path, waves: Path) -> None:
    code, _, message = run("evaluate", small_bundle, gestures, "--others", waves, gestures)
    assert code == 1
    assert "hands.h5 has clips of a, b, which the bundle knows" in message


def test_others_are_for_clips_and_not_for_a_recording(
    run: Run, small_bundle: Path, waves: Path, tmp_path: Path
) -> None:
    for flags in (("--others", waves), ("--others-split", "random"), ("--idle-minutes", 2)):
        code, _, message = run("evaluate", small_bundle, waves, "--intervals", tmp_path / "i.csv", *flags)
        assert (code, "leave out --split, --fractions, --split-seed, --others" in message) == (2, True)


def test_a_split_without_others_is_refused(run: Run, small_bundle: Path, gestures: Path) -> None:
    code, _, message = run("evaluate", small_bundle, gestures, "--others-split", "random")
    assert (code, "--others-split random divides the files of --others: name some" in message) == (2, True)
