from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ademan.cli import main
from ademan.clip import times_at
from ademan.demo import demo as script
from ademan.demo.drawing import dots, picture, write_animation
from ademan.demo.excerpts import WINDOW_MS, excerpts, label_of
from ademan.skeleton import skeleton
from ademan.synthetic import GESTURES, Person, Recording, perform
from ademan.synthetic.recording import Interval

HANDS = skeleton("hands")


def recording(*intervals: Interval, frames: int = 200) -> Recording:
    points = np.full((frames, 42, 3), 0.5, np.float32)
    return Recording(points, times_at(20, frames), intervals, (640, 480))


def test_a_window_is_labelled_by_what_it_shows() -> None:
    shown = recording(Interval("wave", 4000, 5000))
    assert label_of(shown, 3000) == "idle"
    assert label_of(shown, 4200) == "idle"  # hardly begun
    assert label_of(shown, 4500) is None  # half of it: open to dispute
    assert label_of(shown, 5000) == "wave"
    assert label_of(shown, 5300) == "wave"
    assert label_of(shown, 6000) is None  # over, and still in the window
    assert label_of(shown, 5000 + WINDOW_MS) == "idle"


def test_excerpts_are_no_longer_than_a_window_and_carry_the_person(rng: np.random.Generator) -> None:
    person = Person.draw(rng, name="ada")
    clips = list(excerpts(perform(person, list(GESTURES), rng), person, rng))
    assert {clip.label for clip in clips} >= set(GESTURES)
    assert all(clip.duration_ms <= WINDOW_MS and clip.subject == "ada" for clip in clips)
    assert len({clip.id for clip in clips}) == len(clips)


def test_dots_draw_what_is_seen_and_nothing_else() -> None:
    points = np.full((42, 3), np.nan, np.float32)
    assert set(dots(points, HANDS, 20, 6, 1.5)) == {"\n", "⠀"}
    points[:21] = 0.5
    lines = dots(points, HANDS, 20, 6, 1.5).split("\n")
    assert len(lines) == 6
    assert all(len(line) == 20 for line in lines)
    assert sum(cell != "⠀" for line in lines for cell in line) == 1


def test_points_outside_of_the_picture_are_not_drawn() -> None:
    points = np.full((42, 3), -3.0, np.float32)
    points[21:] = 7.0
    assert set(dots(points, HANDS, 20, 6, 1.5)) == {"\n", "⠀"}


def test_an_animation_has_its_frames_and_its_speed(tmp_path: Path) -> None:
    hands = np.random.default_rng(0).random((3, 42, 3)).astype(np.float32)
    pictures = [picture(points, HANDS, 1.5, [("wave", 0.7)], f"frame {i}", 120) for i, points in enumerate(hands)]
    write_animation(tmp_path / "a.gif", pictures, 100)
    with Image.open(tmp_path / "a.gif") as image:
        assert getattr(image, "n_frames", 1) == 3
        assert image.info["duration"] == 100
        assert image.size == pictures[0].size


@pytest.mark.slow
def test_the_demo_goes_through_and_recognises_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["demo", "-o", str(tmp_path / "demo")])
    told = capsys.readouterr().out
    assert left.value.code == 0
    assert "made-up data" in told
    named = int(told.split(" of 12 gestures named")[0].split()[-1])
    assert named >= 6
    for name in ("hands.h5", "stream.gif", "made-up-hands/bundle/model.onnx", "made-up-hands/report.html"):
        assert (tmp_path / "demo" / name).is_file()


def test_the_demo_goes_through_quickly_with_few_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script.make_dataset, "__defaults__", (12,))
    monkeypatch.setattr(script, "RECIPE", replace(script.RECIPE, training=replace(script.RECIPE.training, epochs=1)))
    with pytest.raises(SystemExit) as left:
        main(["demo", "-o", str(tmp_path / "demo")])
    assert left.value.code == 0
    assert "animation:" in capsys.readouterr().out
    assert (tmp_path / "demo" / "stream.gif").is_file()
