"""The whole chain on real recordings: video files, points, dataset, training, bundle, and a live event."""

import json
import shutil
from pathlib import Path

import pytest

from ademan.cli import main
from ademan.extraction import ExtractOptions, extract
from ademan.training import Recipe, train
from ademan.window import Window

GESTURES = ("fan_up", "fan_down")


@pytest.fixture(scope="module")
def bundle(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thumbs up and down, by two people, three clips of each gesture."""
    place = tmp_path_factory.mktemp("chain")
    for gesture in GESTURES:
        (place / "raw" / gesture).mkdir(parents=True)
        for clip in ("s2_1", "s2_2", "s3_1"):
            name = f"{gesture}_{clip}.mp4"
            shutil.copy(real_data / "home-gestures" / "raw_videos" / gesture / name, place / "raw" / gesture / name)
    extract(place / "raw", place / "d.h5", options=ExtractOptions(every=6))
    recipe = Recipe(window=Window(15, "rate", 10.0))
    return train(place / "d.h5", place / "run", recipe).folder / "bundle"


@pytest.mark.parametrize("gesture", GESTURES)
def test_a_clip_that_was_never_seen_causes_one_event_of_its_gesture(
    gesture: str, bundle: Path, real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = real_data / "home-gestures" / "raw_videos" / gesture / f"{gesture}_s2_3.mp4"
    with pytest.raises(SystemExit) as left:
        main(["live", str(bundle), str(video), "--headless"])
    assert left.value.code == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(event["event"], event["label"]) for event in events] == [("began", gesture), ("ended", gesture)]
    assert events[0]["confidence"] > 0.5


def test_a_video_is_named_from_its_file(
    bundle: Path, real_data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()
    shutil.copy(real_data / "home-gestures" / "raw_videos" / "fan_up" / "fan_up_s2_3.mp4", tmp_path / "more")
    (tmp_path / "more" / "empty.mp4").touch()
    with pytest.raises(SystemExit) as left:
        main(["predict", str(bundle), str(tmp_path / "more"), "--json"])
    assert left.value.code == 0
    said = capsys.readouterr()
    (prediction,) = json.loads(said.out)["predictions"]
    assert prediction["label"] == "fan_up"
    assert "empty.mp4 is empty" in said.err
