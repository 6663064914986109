"""Gesture sets: admins make and change them; everybody can record for them."""

from typing import Any

import pytest
from playwright.sync_api import expect

from ademan.studio.data.clips import Clips
from ademan.studio.data.gestures import GestureSets, SetInfo
from tests.server.browser import Visit, browser, visit
from tests.studio.conftest import made_clip
from tests.studio.web.conftest import Running, Visitor
from tests.studio.web.test_browser import PHONE, TOO_SMALL, WIDE, logged_in
from tests.studio.web.test_look import Reader

__all__ = ["browser", "visit"]  # fixtures
GOOD_SET = {
    "name": "Greetings", "landmarks": "hands", "idle": "idle", "gesture-0": "wave", "note-0": "from side to side",
    "gesture-2": "bow",
}  # fmt: skip


@pytest.fixture
def ada(studio: Running) -> Visitor:
    visitor = studio.visitor()
    visitor.log_in("Ada")
    return visitor


def sets_of(studio: Running) -> GestureSets:
    return GestureSets(studio.database, studio.files)


def one_set(studio: Running) -> SetInfo:
    return sets_of(studio).add(1, "Greetings", gestures=[("wave", ""), ("bow", ""), ("nod", "")])


def names(studio: Running, set_id: int) -> list[str]:
    return [gesture.name for gesture in sets_of(studio).get(set_id).gestures]


def test_the_first_set_is_made_from_the_page_to_record(studio: Running, ada: Visitor) -> None:
    page = ada.get("/record").text
    assert "There are no gestures to record yet" in page
    assert 'href="/sets/new"' in page
    ada.get("/sets/new")
    made = ada.post("/sets", GOOD_SET)
    (owner,) = sets_of(studio).all()
    assert made.headers["location"] == f"/record/{owner.id}"
    assert [(one.name, one.note) for one in owner.gestures] == [("wave", "from side to side"), ("bow", "")]
    assert owner.landmarks == "hands"
    assert f'href="/record/{owner.id}"' in ada.get("/record").text


def test_members_are_told_to_ask_an_admin(studio: Running) -> None:
    boris = studio.member("Boris")
    page = boris.get("/record").text
    assert "Ask one of them" in page
    assert "/sets/new" not in page
    owner = one_set(studio)
    page = boris.get("/record").text
    assert f'href="/record/{owner.id}"' in page
    assert f'href="/sets/{owner.id}"' not in page
    assert boris.get(f"/record/{owner.id}").status_code == 200


@pytest.mark.parametrize(
    ("more", "field", "told"),
    [
        ({"name": " "}, "name", "A name has 1 to 64"),
        ({"name": "x" * 65}, "name", "A name has 1 to 64"),
        ({"gesture-0": "", "gesture-2": ""}, "gesture-0", "Fill this in"),
        ({"gesture-2": "WAVE"}, "gesture-2", "used twice"),
        ({"gesture-2": "Idle"}, "gesture-2", "used twice"),
        ({"gesture-2": "a\u202eb"}, "gesture-2", "A name has 1 to 64"),
        ({"idle": ""}, "idle", "A name has 1 to 64"),
        ({"landmarks": "feet"}, "landmarks", "Fill this in"),
    ],
)
def test_what_is_wrong_with_a_set_is_told_beside_its_field(
    studio: Running, ada: Visitor, more: dict[str, str], field: str, told: str
) -> None:
    ada.get("/sets/new")
    page = ada.post("/sets", {**GOOD_SET, **more})
    assert page.status_code == 422
    assert f'id="{field}-error"' in page.text
    assert told in page.text
    assert "from side to side" in page.text  # what was filled in is there still
    assert sets_of(studio).all() == []
    reader = Reader()
    reader.feed(page.text)
    assert reader.all_problems() == []


def test_a_name_that_is_taken_is_told(studio: Running, ada: Visitor) -> None:
    one_set(studio)
    ada.get("/sets/new")
    page = ada.post("/sets", {**GOOD_SET, "name": "GREETINGS"})
    assert (page.status_code, "A set is called so already" in page.text) == (422, True)


def test_more_lines_can_be_had_and_keep_what_was_filled_in(ada: Visitor) -> None:
    ada.get("/sets/new")
    page = ada.post("/sets", {**GOOD_SET, **{f"gesture-{i}": "" for i in (1, 3)}, "more": "yes"})
    assert page.status_code == 200
    assert 'id="gesture-7"' in page.text
    assert 'id="gesture-8"' not in page.text
    assert 'value="wave"' in page.text


def test_gestures_are_added_changed_moved_and_deleted(studio: Running, ada: Visitor) -> None:
    owner = one_set(studio)
    wave, bow, nod = owner.gestures
    place = f"/sets/{owner.id}"
    ada.get(place)
    ada.post(f"{place}/gestures", {"gesture": "clap", "note": "twice"})
    ada.post(f"{place}/gestures/{wave.id}", {f"gesture-{wave.id}": "Wave", f"note-{wave.id}": "slowly"})
    ada.post(f"{place}/gestures/{nod.id}", {f"gesture-{nod.id}": "nod", "up": "yes"})
    assert names(studio, owner.id) == ["Wave", "nod", "bow", "clap"]
    assert sets_of(studio).get(owner.id).gestures[0].note == "slowly"
    assert ada.post(f"{place}/gestures/{bow.id}/delete").status_code == 422
    ada.post(f"{place}/gestures/{bow.id}/delete", {f"sure-{bow.id}": "yes"})
    assert names(studio, owner.id) == ["Wave", "nod", "clap"]
    wrong = ada.post(f"{place}/gestures", {"gesture": "CLAP"})
    assert (wrong.status_code, "used twice" in wrong.text) == (422, True)
    wrong = ada.post(f"{place}/gestures/{nod.id}", {f"gesture-{nod.id}": ""})
    assert (wrong.status_code, f'id="gesture-{nod.id}-error"' in wrong.text) == (422, True)


def test_a_set_is_renamed_and_deleted_with_its_clips_when_one_is_sure(studio: Running, ada: Visitor) -> None:
    owner, clips = one_set(studio), Clips(studio.database, studio.files)
    clips.add(made_clip(), owner.id, 1)
    ada.get(f"/sets/{owner.id}")
    ada.post(f"/sets/{owner.id}/name", {"name": "Hellos"})
    assert sets_of(studio).get(owner.id).name == "Hellos"
    assert ada.post(f"/sets/{owner.id}/name", {"name": ""}).status_code == 422
    assert ada.post(f"/sets/{owner.id}/delete").status_code == 422
    assert ada.post(f"/sets/{owner.id}/delete", {"sure": "yes"}).headers["location"] == "/record"
    assert sets_of(studio).all() == []
    assert list(studio.files.all()) == []
    assert ada.get(f"/sets/{owner.id}").status_code == 404
    assert ada.get(f"/record/{owner.id}").status_code == 404


@pytest.mark.parametrize("path", ["/sets/new", "/sets/{id}", "/record", "/record/{id}"])
@pytest.mark.parametrize("language", ["en", "es", "ru"])
def test_the_pages_are_well_built(studio: Running, ada: Visitor, path: str, language: str) -> None:
    owner = one_set(studio)
    ada.get("/")
    ada.post("/appearance", {"language": language, "theme": "auto", "next": "/"})
    page = ada.get(path.format(id=owner.id))
    assert page.status_code == 200
    reader = Reader()
    reader.feed(page.text)
    assert reader.all_problems() == []


@pytest.mark.parametrize("context", [{}, PHONE, {"color_scheme": "dark"}], ids=["desk", "phone", "dark"])
def test_the_pages_fit_and_break_no_rule(studio: Running, visit: Visit, context: dict[str, Any]) -> None:
    owner = sets_of(studio).add(1, "G" * 64, gestures=[("W" * 64, "note " * 90), ("bow", "")])
    page = logged_in(visit, studio, **context)
    for path in ("/record", f"/record/{owner.id}", "/sets/new", f"/sets/{owner.id}"):
        page.goto(studio.url + path)
        assert not page.evaluate(WIDE), path
        if context is PHONE:
            assert page.evaluate(TOO_SMALL) == [], path


def test_a_set_can_be_made_without_scripts(studio: Running, visit: Visit) -> None:
    page = logged_in(visit, studio, java_script_enabled=False)
    page.goto(f"{studio.url}/record")
    page.get_by_role("link", name="New set of gestures").click()
    page.get_by_label("Name of the set").fill("Signs")
    page.get_by_role("radio", name="Body and hands").check()
    page.get_by_label("Gesture 1").fill("stop")
    page.get_by_role("button", name="Make the set").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Record: Signs")
    expect(page.locator("#toasts")).to_contain_text("The set is ready")
    assert sets_of(studio).all()[0].landmarks == "holistic"
