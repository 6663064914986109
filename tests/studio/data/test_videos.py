"""Videos that come after their clips, on both databases: kept where the person agreed, and only once."""

import threading
from collections.abc import Callable

import pytest

from ademan.studio.data import StudioError
from ademan.studio.data.clips import MOST_RECORDINGS, ClipInfo
from ademan.studio.data.files import LARGEST_BYTES
from ademan.studio.data.tables import Recording
from tests.studio.conftest import Studio, made_clip


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(StudioError) as refused:
        call()
    return refused.value.code


def recorded(studio: Studio, *, video_agreed: bool = True) -> ClipInfo:
    """A clip of Ada, an admin."""
    ada = studio.person("Ada")
    owner = studio.gesture_set(ada.id)
    recording = studio.clips.begin_recording(ada.id, owner.id, video_agreed=video_agreed)
    return studio.clips.add(made_clip(), owner.id, ada.id, recording_id=recording)


def owner_of(clip: ClipInfo) -> int:
    assert clip.user_id is not None
    return clip.user_id


def kinds(studio: Studio) -> list[str]:
    return sorted(file.key.partition("/")[0] for file in studio.files.all())


def test_a_video_can_come_after_its_clip_and_go_before_it(studio: Studio) -> None:
    clip = recorded(studio)
    studio.clips.add_video(owner_of(clip), clip.id, b"moving", ".mp4")
    assert studio.clips.get(owner_of(clip), clip.id).has_video
    assert studio.clips.video(owner_of(clip), clip.id) == (b"moving", ".mp4")
    studio.clips.delete_video(owner_of(clip), clip.id)
    studio.clips.delete_video(owner_of(clip), clip.id)  # there is none any more, which is what was wanted
    assert not studio.clips.get(owner_of(clip), clip.id).has_video
    assert kinds(studio) == ["clips"]


def test_no_video_without_consent_nor_of_somebody_else(studio: Studio) -> None:
    clip = recorded(studio, video_agreed=False)
    assert code_of(lambda: studio.clips.add_video(owner_of(clip), clip.id, b"moving", ".webm")) == "forbidden"
    other = studio.clips.add(made_clip(), clip.set_id, owner_of(clip))  # of no recording at all
    assert code_of(lambda: studio.clips.add_video(owner_of(clip), other.id, b"moving", ".webm")) == "forbidden"
    boris = studio.person("Boris")
    agreed = studio.clips.begin_recording(boris.id, clip.set_id, video_agreed=True)
    his = studio.clips.add(made_clip(), clip.set_id, boris.id, recording_id=agreed)
    assert (
        code_of(lambda: studio.clips.add_video(owner_of(clip), his.id, b"moving", ".webm")) == "gone"
    )  # an admin, but not Boris
    assert code_of(lambda: studio.clips.add_video(boris.id, clip.id, b"moving", ".webm")) == "gone"
    assert code_of(lambda: studio.clips.delete_video(boris.id, clip.id)) == "gone"
    assert kinds(studio) == ["clips"] * 3


def test_a_video_that_is_too_large_or_of_another_kind_leaves_nothing_behind(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = recorded(studio)
    monkeypatch.setitem(LARGEST_BYTES, "videos", 100)
    assert code_of(lambda: studio.clips.add_video(owner_of(clip), clip.id, bytes(101), ".webm")) == "bad"
    assert code_of(lambda: studio.clips.add_video(owner_of(clip), clip.id, b"moving", ".exe")) == "bad"
    assert kinds(studio) == ["clips"]


def test_of_many_videos_of_one_clip_one_is_kept(studio: Studio) -> None:
    clip, told = recorded(studio), []

    def add(number: int) -> None:
        try:
            studio.clips.add_video(owner_of(clip), clip.id, b"%d" % number, ".webm")
        except StudioError as error:
            told.append(error.code)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert told == ["taken"] * 5
    assert kinds(studio) == ["clips", "videos"]
    assert studio.clips.video(owner_of(clip), clip.id)[0] in {b"%d" % number for number in range(6)}


def test_a_video_goes_with_its_clip(studio: Studio) -> None:
    clip = recorded(studio)
    studio.clips.add_video(owner_of(clip), clip.id, b"moving", ".webm")
    studio.clips.delete(owner_of(clip), [clip.id])
    assert kinds(studio) == []


def test_nobody_begins_recordings_without_end(studio: Studio) -> None:
    ada = studio.person("Ada")
    owner = studio.gesture_set(ada.id)
    with studio.database.writing() as session:
        long_ago = [Recording(user_id=ada.id, set_id=owner.id, started_ms=1) for _ in range(MOST_RECORDINGS)]
        session.add_all(long_ago)
    for _ in range(MOST_RECORDINGS):
        studio.clips.begin_recording(ada.id, owner.id)
    with pytest.raises(StudioError, match="in this hour") as refused:
        studio.clips.begin_recording(ada.id, owner.id)
    assert refused.value.code == "too_many"
    assert refused.value.retry_after_s == 3600
    boris = studio.person("Boris")
    assert studio.clips.begin_recording(boris.id, owner.id)
