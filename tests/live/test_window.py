"""The windows, on a screen that nobody sees."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ademan.clip import times_at
from ademan.errors import VideoError
from ademan.live import CapturePlan, CaptureSession, Pipeline
from ademan.live.booth import Booth
from ademan.live.screen import Screen, wrapped
from ademan.live.window import LiveWindow, Tap
from ademan.recognition import Classifier, StreamConfig
from ademan.video import Playback, VideoFile
from ademan.video.folder import read_picture
from tests.live.conftest import Dot, Film

PRESS = Callable[[str], None]


@pytest.fixture(autouse=True)
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("PYGAME_HIDE_SUPPORT_PROMPT", "1")


def window(classifier: Classifier, tmp_path: Path) -> LiveWindow:
    film = Playback(Film(times_at(25, 40).tolist(), (160, 120)))
    pipeline = Pipeline(classifier, StreamConfig(accept=0.2, least_ms=0), Dot())
    return LiveWindow(pipeline, film, Tap(tmp_path, "ann"), mirrored=True)


def test_the_picture_its_points_and_the_bars_are_shown(classifier: Classifier, tmp_path: Path) -> None:
    shown = window(classifier, tmp_path)
    shown.run(tmp_path / "shot.png")
    image = read_picture(tmp_path / "shot.png")
    assert image is not None
    assert image.shape == (720, 1280, 3)
    assert image[:, :900].std() > 30  # the film's noise
    assert len(np.unique(image[:, 960:].reshape(-1, 3), axis=0)) > 20  # bars and letters


def test_keys_change_threshold_mirror_pause_and_help(classifier: Classifier, tmp_path: Path) -> None:
    shown = window(classifier, tmp_path)
    recognizer = shown._pipeline.recognizer
    for letter in "++-":
        shown._press(letter, letter)
    assert recognizer.accept == pytest.approx(0.25)
    for _ in range(40):
        shown._press("-", "-")
    assert recognizer.accept == pytest.approx(0.05)
    for key in ("m", "space", "h"):
        shown._press(key, key)
    assert (shown._looks.mirrored, shown._looks.paused, shown._looks.help) == (False, True, True)
    shown.state = "camera 0 gives no pictures any more"
    shown.run(tmp_path / "shot.png")


def test_what_is_seen_is_recorded_as_a_new_clip(classifier: Classifier, tmp_path: Path) -> None:
    shown = window(classifier, tmp_path)
    shown._press("r", "r")
    for letter in ("x", "/", "backspace", "w", "a", "return"):
        shown._type(letter, letter if len(letter) == 1 else "")
    assert shown._tap.label == "wa"
    shown.run()
    (path,) = tmp_path.rglob("*.mp4")
    assert path.parent.name == "wa"
    assert len(list(VideoFile(path))) > 5


def test_escape_leaves_the_typing_and_a_second_r_without_a_frame_records_nothing(
    classifier: Classifier, tmp_path: Path
) -> None:
    shown = window(classifier, tmp_path)
    shown._press("r", "r")
    shown._type("escape", "")
    assert shown._looks.typing is None
    shown._tap.start("wave")
    shown._press("r", "r")
    assert shown._looks.note == "no frame was recorded"
    assert not list(tmp_path.rglob("*"))


def test_the_booth_records_all_clips_and_closes(tmp_path: Path) -> None:
    session = CaptureSession(CapturePlan("wave", "ann", 0.3, 20, 2, 0.1, tmp_path))
    Booth(session, Playback(Film(times_at(30, 150).tolist()))).run(tmp_path / "shot.png")
    assert len(session.saved) == 2
    assert (tmp_path / "shot.png").is_file()


def test_a_machine_without_a_screen_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "nosuchdriver")
    with pytest.raises(VideoError, match=r"no window can be opened: .*--headless \(live\) or --no-window \(capture\)"):
        Screen("a")


def test_long_messages_are_broken_between_words() -> None:
    assert wrapped("one two three", 8) == ["one two", "three"]
    assert wrapped("", 8) == []
