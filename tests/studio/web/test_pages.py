"""The first page: what is to be done, and what has been; and what a start mends."""

import logging
import os
import re

import pytest

from ademan.clip import Clip
from ademan.studio.data.clips import Clips
from ademan.studio.data.files import FolderStore, new_key
from ademan.studio.data.gestures import GestureSets
from ademan.studio.data.review import Review
from ademan.studio.web.parts import open_studio
from tests.studio.conftest import made_clip
from tests.studio.web.conftest import QUICK, Running, Visitor


def marks(page: str) -> list[str]:
    """Return of each step whether it is done, next, or neither."""
    steps = page[page.index('<ol class="steps">') : page.index("</ol>")]
    return re.findall(r"<li(?: class=\"(done|next)\")?>", steps)


@pytest.fixture
def clip() -> Clip:
    return made_clip()


def test_steps_are_marked_as_they_are_done(studio: Running, clip: Clip) -> None:
    admin, boris = studio.visitor(), studio.member("Boris")
    admin.log_in("Ada")
    assert marks(boris.get("/").text) == ["next", "", "", ""]
    sets, clips = GestureSets(studio.database, studio.files), Clips(studio.database, studio.files)
    made = sets.add(1, "Greetings")
    wave = sets.add_gesture(1, made.id, "wave")
    added = clips.add(clip, made.id, 2, gesture_id=wave.id)
    assert marks(boris.get("/").text) == ["done", "next", "", ""]
    assert marks(admin.get("/").text) == ["next", "", "", ""]  # each for oneself
    Review(studio.database, studio.files).decide(1, [added.id], "accepted")
    assert marks(boris.get("/").text) == ["done", "done", "next", ""]


def test_members_are_not_sent_to_what_is_for_admins(studio: Running) -> None:
    def links(visitor: Visitor) -> set[str]:
        return set(re.findall(r'href="(/[a-z]*)"', visitor.get("/").text))

    admin, boris = studio.visitor(), studio.member("Boris")
    admin.log_in("Ada")
    assert links(admin) - links(boris) == {"/review", "/members"}
    assert [path for path in links(boris) if boris.get(path).status_code != 200] == []
    assert boris.get("/").text.count("An administrator does this.") == 2


def test_a_start_mends_what_a_killed_process_left(
    studio: Running, clip: Clip, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(studio.files, FolderStore)
    key = new_key("clips", ".npz")
    studio.files.put(key, b"of no clip")
    os.utime(studio.files.folder / key, (0, 0))
    caplog.set_level(logging.WARNING, "ademan.studio")
    open_studio(studio.config, QUICK).close()
    assert list(studio.files.all()) == []
    told = [record for record in caplog.records if record.getMessage() == "mended"]
    assert [vars(record)["files"] for record in told] == [1]
