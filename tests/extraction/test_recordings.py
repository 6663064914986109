"""Which recordings there are, and what their names say."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.errors import ConfigError, SourceError
from ademan.extraction import find_recordings
from ademan.extraction.recordings import expression


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_folder_and_name_say_gesture_and_subject(tmp_path: Path) -> None:
    touch(tmp_path / "fan_down" / "fan_down_s1_2.mp4", tmp_path / "wave" / "wave_ann_20261121-101500.MOV")
    found = find_recordings(tmp_path)
    assert [(r.id, r.gesture, r.subject) for r in found] == [
        ("fan_down/fan_down_s1_2", "fan_down", "s1"),
        ("wave/wave_ann_20261121-101500", "wave", "ann"),
    ]


def test_a_name_that_does_not_fit_belongs_to_its_folder_and_to_nobody(tmp_path: Path) -> None:
    touch(tmp_path / "wave" / "IMG_0012.mp4")
    (recording,) = find_recordings(tmp_path)
    assert (recording.gesture, recording.subject) == ("wave", None)


def test_the_folder_of_one_gesture_may_be_given_itself(tmp_path: Path) -> None:
    touch(tmp_path / "wave" / "wave_s1_1.mp4")
    (recording,) = find_recordings(tmp_path / "wave")
    assert (recording.id, recording.gesture, recording.subject) == ("wave_s1_1", "wave", "s1")


def test_one_video_may_be_given_itself(tmp_path: Path) -> None:
    touch(tmp_path / "wave" / "wave_s1_1.mp4", tmp_path / "wave" / "wave_s1_2.mp4")
    (recording,) = find_recordings(tmp_path / "wave" / "wave_s1_1.mp4")
    assert (recording.id, recording.gesture, recording.subject) == ("wave_s1_1", "wave", "s1")


def test_another_pattern_reads_ucf101(tmp_path: Path) -> None:
    touch(tmp_path / "BenchPress" / "v_BenchPress_g01_c02.avi")
    (recording,) = find_recordings(tmp_path, "v_{gesture}_{subject}_{repetition}")
    assert (recording.gesture, recording.subject) == ("BenchPress", "g01")


def test_a_session_may_be_a_folder(tmp_path: Path) -> None:
    touch(tmp_path / "monday" / "s1" / "wave_1.mp4")
    (recording,) = find_recordings(tmp_path, "{session}/{subject}/{gesture}_{}")
    assert (recording.session, recording.subject, recording.gesture) == ("monday", "s1", "wave")


def test_frame_folders_are_grouped_by_video(tmp_path: Path) -> None:
    touch(*(tmp_path / "wave" / f"wave_s1_{v}_frame_{n}.jpg" for v in (1, 2) for n in range(12)))
    found = find_recordings(tmp_path)
    assert [(r.id, r.gesture, r.subject) for r in found] == [
        ("wave/wave_s1_1", "wave", "s1"),
        ("wave/wave_s1_2", "wave", "s1"),
    ]
    assert [p.name for p in found[0].pictures] == [f"wave_s1_1_frame_{n}.jpg" for n in range(12)]


def test_hidden_folders_and_other_files_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path / "wave" / "wave_s1_1.mp4", tmp_path / ".cache" / "a.mp4", tmp_path / "wave" / "notes.txt")
    assert len(find_recordings(tmp_path)) == 1


def test_only_the_gestures_that_were_named(tmp_path: Path) -> None:
    touch(tmp_path / "wave" / "wave_s1_1.mp4", tmp_path / "palm" / "palm_s1_1.mp4")
    assert [r.gesture for r in find_recordings(tmp_path, gestures=["palm"])] == ["palm"]
    with pytest.raises(SourceError, match=r"no recording of fist\. It has: palm, wave"):
        find_recordings(tmp_path, gestures=["fist"])


def test_an_empty_folder_and_a_missing_one_say_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no video"):
        find_recordings(tmp_path)
    with pytest.raises(SourceError, match=r"there is no folder .*ademan capture"):
        find_recordings(tmp_path / "nowhere")


def test_two_recordings_of_one_name_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "wave" / "a.mp4", tmp_path / "wave" / "a.avi")
    with pytest.raises(SourceError, match="have one name, 'wave/a'"):
        find_recordings(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "told"), [("{who}_{gesture}", "has the field {who}"), ("{gesture", "without its other half")]
)
def test_a_pattern_that_cannot_be_one_is_refused(pattern: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        expression(pattern)


_word = st.text("abcxyz019", min_size=1, max_size=6)


@given(gesture=st.lists(_word, min_size=1, max_size=3).map("_".join), subject=_word, repetition=_word)
def test_what_a_name_is_made_of_is_read_back(gesture: str, subject: str, repetition: str) -> None:
    match = expression("{gesture}/{gesture}_{subject}_{repetition}").fullmatch(
        f"raw/{gesture}/{gesture}_{subject}_{repetition}"
    )
    assert match is not None
    assert match.groupdict() == {"gesture": gesture, "subject": subject, "repetition": repetition}
