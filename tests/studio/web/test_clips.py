"""My clips: whose they are, what can be done with them, and what they look like from outside."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from ademan.clip import Clip, times_at
from ademan.skeleton import BUILT_IN
from ademan.studio.data import StudioError
from ademan.studio.data.clip_files import from_bytes
from ademan.studio.data.clips import ClipInfo, Clips
from ademan.studio.data.gestures import GestureSets, SetInfo
from ademan.studio.web.drawing import MOST_DRAWN, drawn
from ademan.studio.web.parcel import INDEX, parcel
from ademan.studio.web.routes.clips import PAGE
from tests.server.browser import Visit, browser, visit
from tests.studio.conftest import made_clip
from tests.studio.web.conftest import Running, Visitor
from tests.studio.web.test_browser import PHONE, TOO_SMALL, WIDE, logged_in
from tests.studio.web.test_look import Reader

__all__ = ["browser", "visit"]  # fixtures
WEBM = b"\x1aE\xdf\xa3" + bytes(range(250)) * 2
HARMFUL = "<img src=x onerror=alert(1)>"


@dataclass(frozen=True)
class Shelf:
    """A studio with a set, and short ways to fill it."""

    studio: Running
    clips: Clips
    owner: SetInfo

    def add(self, user_id: int = 1, label: str = "wave", **more: Any) -> ClipInfo:
        gesture = self.owner.gesture(label)
        is_idle = label == self.owner.idle
        points = more.pop("points", None) or made_clip()
        gesture_id = gesture.id if gesture else None
        return self.clips.add(points, self.owner.id, user_id, gesture_id=gesture_id, idle=is_idle, **more)

    def with_video(self, user_id: int = 1) -> ClipInfo:
        recording = self.clips.begin_recording(user_id, self.owner.id, video_agreed=True)
        return self.add(user_id, recording_id=recording, video=WEBM)

    def has(self, clip_id: str, user_id: int = 1) -> bool:
        try:
            return self.clips.get(user_id, clip_id).id == clip_id
        except StudioError:
            return False


@pytest.fixture
def shelf(studio: Running) -> Shelf:
    """Ada is 1 and an admin."""
    sets = GestureSets(studio.database, studio.files)
    made = sets.add(1, "Greetings", gestures=[("wave", "from side to side"), (HARMFUL, "")])
    return Shelf(studio, Clips(studio.database, studio.files), made)


@pytest.fixture
def ada(studio: Running) -> Visitor:
    visitor = studio.visitor()
    visitor.log_in("Ada")
    return visitor


def test_without_clips_the_page_says_what_to_do(shelf: Shelf, ada: Visitor) -> None:
    page = ada.get("/clips").text
    assert "You have recorded nothing yet" in page
    assert 'href="/record"' in page
    assert "/clips.zip" not in page


def test_one_sees_ones_own_clips_and_nobody_elses(shelf: Shelf, ada: Visitor) -> None:
    boris = shelf.studio.member("Boris")
    mine, his = shelf.add(1), shelf.add(2)
    assert mine.id in ada.get("/clips").text
    assert his.id not in ada.get("/clips").text
    assert his.id in boris.get("/clips").text
    assert mine.id not in boris.get("/clips").text


def test_clips_are_shown_by_pages_the_newest_first_and_filtered(shelf: Shelf, ada: Visitor) -> None:
    waves = [shelf.add(1).id for _ in range(PAGE + 1)]
    idle = shelf.add(1, "idle").id
    gesture = shelf.owner.gesture("wave")
    assert gesture is not None
    first = ada.get("/clips").text
    assert idle in first
    assert first.count('class="clip"') == PAGE
    assert "Page 1 of 2" in first
    assert "page=2" in first
    assert ada.get("/clips?page=99").text.count('class="clip"') == 2
    only = ada.get(f"/clips?show=gesture-{gesture.id}").text
    assert idle not in only
    assert f"Clips: {len(waves)}" in only
    assert "Clips: 1<" in ada.get(f"/clips?show=idle-{shelf.owner.id}").text
    assert f"Clips: {PAGE + 2}<" in ada.get(f"/clips?show=set-{shelf.owner.id}&state=new").text
    assert "No clip fits" in ada.get("/clips?state=accepted").text


@pytest.mark.parametrize(
    "query", ["show=set-", "show=set-x", "show=nothing", "state=odd", "page=-1", "page=x", "page=99999999999999999999",
              "show=gesture-99999999999999999999", "show=" + "x" * 5000]
)  # fmt: skip
def test_what_cannot_be_filtered_by_is_passed_over(shelf: Shelf, ada: Visitor, query: str) -> None:
    clip = shelf.add(1)
    page = ada.get(f"/clips?{query}")
    assert (page.status_code, clip.id in page.text) == (200, True)


def test_names_are_shown_as_they_are_and_do_nothing(shelf: Shelf, ada: Visitor) -> None:
    clip = shelf.add(1, HARMFUL)
    for path in ("/clips", f"/clips/{clip.id}", "/record", f"/record/{shelf.owner.id}", f"/sets/{shelf.owner.id}"):
        page = ada.get(path).text
        assert "<img src=x" not in page, path
        assert "&lt;img src=x" in page or r"\u003cimg src=x" in page, path


@pytest.mark.parametrize("path", ["/clips", "/clips/{clip}", "/clips/delete"])
def test_the_pages_are_well_built(shelf: Shelf, ada: Visitor, path: str) -> None:
    clip = shelf.with_video()
    path = path.format(clip=clip.id)
    page = ada.post(path, {f"clip-{clip.id}": "yes"}) if path.endswith("delete") else ada.get(path)
    assert page.status_code == 200
    reader = Reader()
    reader.feed(page.text)
    assert reader.all_problems() == []


OTHERS = (
    ("GET", "/clips/{id}"), ("GET", "/clips/{id}.npz"), ("GET", "/clips/{id}/video"), ("GET", "/api/clips/{id}/points"),
    ("POST", "/clips/{id}/label"), ("POST", "/clips/{id}/video/delete"), ("PUT", "/api/clips/{id}/video"),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path"), OTHERS)
def test_nothing_of_a_clip_can_be_reached_by_somebody_else(shelf: Shelf, method: str, path: str) -> None:
    clip, boris = shelf.with_video(), shelf.studio.member("Boris")
    for clip_id in (clip.id, "0" * 32, "..%2f..", "x"):
        fields = {"csrf": boris.token, "label": "idle"}
        sent = {"data": WEBM, "headers": {"X-CSRF-Token": boris.token}} if method == "PUT" else {"data": fields}
        answer = boris.ask(method, path.format(id=clip_id), **(sent if method != "GET" else {}))
        assert answer.status_code == 404, clip_id
    after = shelf.clips.get(1, clip.id)
    assert (after.label, after.has_video) == ("wave", True)


def test_nobody_deletes_what_is_somebody_elses(shelf: Shelf) -> None:
    clip, boris = shelf.add(1), shelf.studio.member("Boris")
    own = shelf.add(2)
    both = {f"clip-{clip.id}": "yes", f"clip-{own.id}": "yes", "sure": "yes"}
    assert boris.post("/clips/delete", both).status_code == 404
    assert shelf.has(clip.id)
    assert shelf.has(own.id, 2)  # all or none


def test_clips_are_deleted_when_one_is_sure(shelf: Shelf, ada: Visitor) -> None:
    kept, gone, also = shelf.add(1), shelf.add(1), shelf.add(1)
    ada.get("/clips")
    ticked = {f"clip-{gone.id}": "yes", f"clip-{also.id}": "yes"}
    asked = ada.post("/clips/delete", ticked)
    assert asked.status_code == 200
    assert asked.text.count(f'name="clip-{gone.id}"') == 1
    assert ada.post("/clips/delete", {**ticked, "asked": "yes"}).status_code == 422
    assert all(shelf.has(one.id) for one in (kept, gone, also))
    assert ada.post("/clips/delete", {**ticked, "sure": "yes"}).headers["location"] == "/clips"
    assert [shelf.has(one.id) for one in (kept, gone, also)] == [True, False, False]
    assert len(list(shelf.studio.files.all())) == 1
    assert "No clip was chosen" in (ada.post("/clips/delete") and ada.get("/clips")).text


def test_a_clip_is_named_anew_and_must_be_reviewed_again(shelf: Shelf) -> None:
    boris = shelf.studio.member("Boris")
    clip = shelf.add(2)
    boris.get(f"/clips/{clip.id}")
    answer = boris.post(f"/clips/{clip.id}/label", {"label": "idle"})
    assert answer.headers["location"] == f"/clips/{clip.id}"
    assert shelf.clips.get(2, clip.id).label == "idle"
    other = shelf.owner.gesture(HARMFUL)
    assert other is not None
    boris.post(f"/clips/{clip.id}/label", {"label": str(other.id)})
    assert shelf.clips.get(2, clip.id).label == HARMFUL
    assert boris.post(f"/clips/{clip.id}/label", {"label": "999"}).status_code == 404
    assert boris.post(f"/clips/{clip.id}/label", {"label": "x"}).status_code == 422
    assert shelf.clips.get(2, clip.id).label == HARMFUL


def test_points_come_as_they_are_drawn(shelf: Shelf, ada: Visitor) -> None:
    made = made_clip(frames=10)
    clip = shelf.add(1, points=made)
    found = ada.get(f"/api/clips/{clip.id}/points").json()
    assert found["id"] == clip.id
    assert found["label"] == "wave"
    assert (found["width"], found["height"], found["frames"], len(found["points"])) == (640, 480, 10, 10)
    assert found["points"][0][0] is None
    x, y, _ = made.points[3, 5]
    assert found["points"][3][5] == pytest.approx([x * 480 / 640, y], abs=1e-3)
    assert found["times_ms"][:3] == [0, 40, 80]
    assert found["fps"] == 25
    assert found["seen"] == 1
    assert found["shape"]["points"] == 42
    assert found["shape"]["sides"][:1] + found["shape"]["sides"][-1:] == ["left", "right"]
    fewer = ada.get(f"/api/clips/{clip.id}/points?most=4").json()
    assert len(fewer["points"]) == len(fewer["times_ms"]) <= 4
    assert fewer["frames"] == 10


@pytest.mark.parametrize("name", ["hands", "pose33", "holistic75"])
def test_a_clip_whose_picture_is_unknown_fits_into_one(name: str) -> None:
    skeleton = BUILT_IN[name]
    points = np.random.default_rng(1).uniform(-3, 9, (4, len(skeleton), 3)).astype(np.float32)
    found = drawn(Clip(points, times_at(25, 4), skeleton))
    places = np.array(found["points"], float)
    assert places.min() > 0
    assert places.max() < 1
    across, down = np.ptp(points[..., 0]), np.ptp(points[..., 1])
    drawn_across, drawn_down = np.ptp(places[..., 0]) * found["width"], np.ptp(places[..., 1]) * found["height"]
    assert drawn_across / drawn_down == pytest.approx(across / down, rel=0.01)


def test_of_a_long_clip_every_nth_frame_is_drawn_and_a_single_frame_is_a_clip_too() -> None:
    long = drawn(made_clip(MOST_DRAWN * 2 + 1))
    assert len(long["points"]) <= MOST_DRAWN
    assert long["times_ms"][1] == pytest.approx(120)
    assert long["fps"] == 25
    one = drawn(made_clip(1))
    assert (one["times_ms"], one["fps"], one["duration_ms"]) == ([0.0], 0.0, 0.0)


def test_a_clip_is_downloaded_as_it_was_written(shelf: Shelf, ada: Visitor) -> None:
    made = made_clip(seed=5)
    clip = shelf.add(1, points=made)
    answer = ada.get(f"/clips/{clip.id}.npz")
    np.testing.assert_array_equal(from_bytes(answer.content).points, made.points)
    assert answer.headers["content-disposition"] == f'attachment; filename="{clip.id}.npz"'
    assert answer.headers["cache-control"] == "no-store"


def test_all_clips_are_downloaded_as_one_zip(shelf: Shelf, ada: Visitor) -> None:
    shelf.studio.member("Boris")
    film, plain, his = shelf.with_video(), shelf.add(1, HARMFUL), shelf.add(2)
    answer = ada.get("/clips.zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="my-clips.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        index = json.loads(archive.read(INDEX))["clips"]
        assert archive.read(f"videos/{film.id}.webm") == WEBM
        assert len(from_bytes(archive.read(f"clips/{plain.id}.npz"))) == 12
    assert sorted(names) == sorted([INDEX, f"clips/{film.id}.npz", f"clips/{plain.id}.npz", f"videos/{film.id}.webm"])
    assert his.id not in answer.text
    assert {(one["label"], one["set"]) for one in index} == {("wave", "Greetings"), (HARMFUL, "Greetings")}


class Watched(Clips):
    """Counts how many clips are read before they are sent."""

    read = 0

    def content(self, by: int, clip_id: str) -> bytes:
        self.read += 1
        return super().content(by, clip_id)


def pieces_of(shelf: Shelf, clips: Clips) -> Iterator[bytes]:
    return parcel(clips, GestureSets(shelf.studio.database, shelf.studio.files), 1)


def test_the_zip_is_sent_while_it_is_made(shelf: Shelf) -> None:
    for _ in range(5):
        shelf.add(1)
    clips = Watched(shelf.studio.database, shelf.studio.files)
    pieces = pieces_of(shelf, clips)
    assert len(next(pieces)) > 100
    assert clips.read == 1
    assert zipfile.is_zipfile(io.BytesIO(b"".join([next(pieces_of(shelf, clips)), *pieces])))


def test_what_goes_while_the_zip_is_made_is_left_out(shelf: Shelf) -> None:
    ids = [shelf.add(1).id for _ in range(3)]
    pieces = pieces_of(shelf, shelf.clips)
    content = next(pieces)
    shelf.clips.delete(1, ids[:1])  # the oldest comes last
    content += b"".join(pieces)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert {name[6:-4] for name in archive.namelist() if name.startswith("clips/")} == set(ids[1:])


def test_a_video_is_kept_where_one_agreed_and_only_once(shelf: Shelf, ada: Visitor) -> None:
    agreed = shelf.clips.begin_recording(1, shelf.owner.id, video_agreed=True)
    clip, plain = shelf.add(1, recording_id=agreed), shelf.add(1)
    headers = {"X-CSRF-Token": ada.token}

    def put(clip_id: str, content: bytes) -> tuple[int, str]:
        answer = ada.ask("PUT", f"/api/clips/{clip_id}/video", data=content, headers=headers)
        return answer.status_code, answer.json().get("error", {}).get("code", "")

    assert put(plain.id, WEBM) == (403, "forbidden")
    assert put(clip.id, b"<html>") == (422, "bad")
    assert put(clip.id, b"") == (422, "bad")
    assert put(clip.id, WEBM) == (201, "")
    assert put(clip.id, WEBM) == (409, "taken")
    assert ada.get(f"/clips/{clip.id}/video").content == WEBM
    assert len(list(shelf.studio.files.all())) == 3


def test_an_admin_cannot_give_somebody_elses_clip_a_video(shelf: Shelf, ada: Visitor) -> None:
    shelf.studio.member("Boris")
    agreed = shelf.clips.begin_recording(2, shelf.owner.id, video_agreed=True)
    clip = shelf.add(2, recording_id=agreed)
    answer = ada.ask("PUT", f"/api/clips/{clip.id}/video", data=WEBM, headers={"X-CSRF-Token": ada.token})
    assert answer.status_code == 404
    assert not shelf.clips.get(1, clip.id).has_video


def test_a_video_that_is_too_large_is_refused(shelf: Shelf, ada: Visitor) -> None:
    clip = shelf.add(1, recording_id=shelf.clips.begin_recording(1, shelf.owner.id, video_agreed=True))
    sent = WEBM + bytes(16_000_001)
    answer = ada.ask("PUT", f"/api/clips/{clip.id}/video", data=sent, headers={"X-CSRF-Token": ada.token})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "large")
    assert not shelf.clips.get(1, clip.id).has_video


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ("", 200, WEBM), ("bytes=0-3", 206, WEBM[:4]), ("bytes=10-", 206, WEBM[10:]), ("bytes=-5", 206, WEBM[-5:]),
        ("bytes=0-999999", 206, WEBM), ("bytes=9999-", 416, b""), ("bytes=5-2", 416, b""), ("bytes=-0", 416, b""),
        ("bytes=0-1,4-5", 200, WEBM), ("lines=1-2", 200, WEBM), ("bytes=-", 200, WEBM),
        ("bytes=-" + "9" * 30, 206, WEBM),
    ],
)  # fmt: skip
def test_players_get_the_part_of_a_video_that_they_ask_for(
    shelf: Shelf, ada: Visitor, asked: str, status: int, expected: bytes
) -> None:
    clip = shelf.with_video()
    answer = ada.get(f"/clips/{clip.id}/video", headers={"Range": asked} if asked else {})
    assert (answer.status_code, answer.content) == (status, expected)
    if status != 416:
        assert answer.headers["content-type"] == "video/webm"
    if status == 206:
        start = WEBM.rindex(expected)
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(expected) - 1}/{len(WEBM)}"


def test_the_video_alone_is_deleted(shelf: Shelf, ada: Visitor) -> None:
    clip = shelf.with_video()
    assert "<video" in ada.get(f"/clips/{clip.id}").text
    ada.post(f"/clips/{clip.id}/video/delete")
    assert "<video" not in ada.get(f"/clips/{clip.id}").text
    assert ada.get(f"/clips/{clip.id}/video").status_code == 404
    assert [file.key.partition("/")[0] for file in shelf.studio.files.all()] == ["clips"]


def test_an_admin_sees_somebody_elses_clip_and_that_it_is(shelf: Shelf, ada: Visitor) -> None:
    shelf.studio.member("Boris")
    clip = shelf.add(2)
    assert "Somebody else recorded this clip" in ada.get(f"/clips/{clip.id}").text


def swinging(frames: int = 30) -> Clip:
    """Two hands that swing from side to side."""
    skeleton = BUILT_IN["hands"]
    hand = np.random.default_rng(3).uniform(-0.12, 0.12, (21, 3))
    swing = 0.2 * np.sin(np.linspace(0, 2 * np.pi, frames))
    left, right = ([0.4, 0.5, 0], [0.95, 0.5, 0])
    points = np.stack([np.concatenate([hand + left, -hand + right]) + [x, 0, 0] for x in swing])
    return replace(made_clip(frames), points=points.astype(np.float32), skeleton=skeleton)


PAINTED = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((sum, value, i) => sum + (i % 4 === 3 && value > 0 ? 1 : 0), 0);
}"""


def test_clips_of_the_list_are_drawn_and_move_where_one_points(shelf: Shelf, visit: Visit) -> None:
    shelf.add(1, points=swinging())
    page = logged_in(visit, shelf.studio)
    page.goto(f"{shelf.studio.url}/clips")
    card = page.locator("[data-clip]")
    expect(card).to_have_attribute("data-drawn", "yes", timeout=15_000)
    assert card.locator("canvas").evaluate(PAINTED) > 100
    play = card.get_by_role("button", name="Play wave")
    play.click()  # it moves already, since one points at it
    expect(play).to_have_attribute("aria-pressed", "false")
    page.mouse.move(0, 0)
    page.get_by_role("link", name="Look at wave").focus()
    expect(play).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="Look at wave").blur()
    expect(play).to_have_attribute("aria-pressed", "false")


def test_clips_are_ticked_and_deleted_by_the_keyboard(shelf: Shelf, visit: Visit) -> None:
    for _ in range(3):
        shelf.add(1, points=swinging())
    page = logged_in(visit, shelf.studio)
    page.goto(f"{shelf.studio.url}/clips")
    delete = page.get_by_role("button", name="Delete chosen ones")
    expect(delete).to_be_disabled()
    page.get_by_role("checkbox").first.press("Space")
    expect(page.locator("#ticked")).to_have_text("Chosen: 1")
    page.get_by_role("button", name="Choose all of this page").press("Enter")
    expect(page.locator("#ticked")).to_have_text("Chosen: 3")
    delete.press("Enter")
    page.get_by_role("checkbox", name="Yes, delete these clips").press("Space")
    page.get_by_role("button", name="Delete for ever").press("Enter")
    expect(page.get_by_text("You have recorded nothing yet")).to_be_visible(timeout=15_000)


@pytest.mark.parametrize("context", [{}, PHONE, {"color_scheme": "dark"}], ids=["desk", "phone", "dark"])
def test_the_pages_fit_and_break_no_rule(shelf: Shelf, visit: Visit, context: dict[str, Any]) -> None:
    clip = shelf.add(1, HARMFUL, points=swinging())
    page = logged_in(visit, shelf.studio, **context)
    for path in ("/clips", f"/clips/{clip.id}"):
        page.goto(shelf.studio.url + path)
        expect(page.locator("[data-drawn=yes], .replay").first).to_be_visible(timeout=15_000)
        assert not page.evaluate(WIDE), path
        if context is PHONE:
            assert page.evaluate(TOO_SMALL) == [], path


def test_a_clip_that_cannot_be_read_says_so(shelf: Shelf, visit: Visit) -> None:
    clip = shelf.add(1)
    key = next(file.key for file in shelf.studio.files.all())
    shelf.studio.files.put(key, b"damage")
    page = logged_in(visit, shelf.studio, expected="status of 404")
    page.goto(f"{shelf.studio.url}/clips/{clip.id}")
    expect(page.get_by_text("These points cannot be shown")).to_be_visible(timeout=15_000)
    assert "damaged" in page.locator(".replayed [role=status]").inner_text()
