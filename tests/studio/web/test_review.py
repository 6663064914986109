"""Review: which clips an admin sees, and what becomes of them; two admins at once; without scripts and with."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ademan.studio.data.clips import Guess
from ademan.studio.data.gestures import SetInfo
from tests.server.browser import Visit, browser, visit
from tests.studio.web.conftest import Running, Visitor
from tests.studio.web.filling import ADA, Stock, ada, owner, stock
from tests.studio.web.test_browser import PHONE, TOO_SMALL, WIDE, logged_in
from tests.studio.web.test_look import Reader

__all__ = ["ada", "browser", "owner", "stock", "visit"]  # fixtures
_SEEN = re.compile(r'name="seen-([0-9a-f]{32})" value="([^"]*)"')
WAIT_MS = 15_000


def shown(page: str) -> dict[str, str]:
    """Return the clips of a page by their ids, and how they stand, in their order."""
    return dict(_SEEN.findall(page))


def stand(state: str, owner: SetInfo, label: str | None) -> dict[str, Any]:
    gesture = owner.gesture(label) if label else None
    return {"state": state, "gesture": gesture.id if gesture else None, "idle": label == owner.idle}


def decide(visitor: Visitor, *clips: dict[str, Any]) -> Any:
    headers = {"X-CSRF-Token": visitor.token, "Accept": "application/json"}
    answer = visitor.ask("POST", "/api/review", json={"clips": clips}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_nothing_to_review_says_what_to_do(ada: Visitor, stock: Stock) -> None:
    assert "There is no gesture set yet" in ada.get("/review").text
    stock.set()
    page = ada.get("/review").text
    assert "There is nothing to review" in page
    assert 'href="/record"' in page


def test_new_clips_are_shown_the_most_doubtful_first_with_guess_and_person(
    studio: Running, stock: Stock, owner: SetInfo, ada: Visitor
) -> None:
    studio.member("Boris")
    sure = stock.clip(owner, "wave", guess=Guess("wave", 0.97))
    wrong = stock.clip(owner, "wave", person=2, guess=Guess("bow", 0.93))
    nameless = stock.clip(owner, None)
    stock.clip(owner, "wave", state="accepted")
    page = ada.get("/review").text
    assert list(shown(page)) == [nameless, wrong, sure]
    assert "The model says bow, 93%" in page
    assert "Boris" in page
    assert re.findall(r'data-count="\w+">(\d+)<', page) == ["3", "1", "0"]


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("", ["wave", "bow", "idle"]),
        ("state=accepted", ["bow"]),
        ("gesture=idle", ["idle"]),
        ("person=2", ["bow"]),
        ("origin=try", []),
        ("order=oldest", ["wave", "bow", "idle"]),
        ("state=nonsense&gesture=99&person=x&order=y&offset=-3&origin=moon", ["wave", "bow", "idle"]),
        ("offset=2", ["idle"]),
        ("offset=99999999999999999999", ["wave", "bow", "idle"]),
    ],
)
def test_filters(studio: Running, stock: Stock, owner: SetInfo, ada: Visitor, query: str, labels: list[str]) -> None:
    studio.member("Boris")
    stock.clip(owner, "wave", guess=Guess("bow", 0.9))
    stock.clip(owner, "bow", person=2, guess=Guess("bow", 0.3))
    stock.clip(owner, "idle", guess=Guess("idle", 0.9))
    stock.clip(owner, "bow", state="accepted")
    answer = ada.get(f"/review?set={owner.id}&{query}")
    assert answer.status_code == 200
    assert re.findall(r'<h2 id="name-[0-9a-f]+" dir="auto">([^<]*)</h2>', answer.text) == labels


def test_a_set_that_is_not_there_is_told_and_the_one_with_most_to_do_comes_by_itself(
    stock: Stock, owner: SetInfo, ada: Visitor
) -> None:
    busy = stock.set("Busy")
    clip = stock.clip(busy)
    assert list(shown(ada.get("/review").text)) == [clip]
    assert ada.get("/review?set=99").status_code == 404


def test_corrected_predictions_have_a_filter_of_their_own(
    stock: Stock, owner: SetInfo, ada: Visitor, small_bundle: Path
) -> None:
    version = stock.version(owner, small_bundle)
    stock.clip(owner)
    corrected = stock.corrected(version)
    page = ada.get(f"/review?set={owner.id}&origin=try").text
    assert list(shown(page)) == [corrected]
    assert "Here somebody said that the model was wrong." in page
    assert f'The model says wave, 60% <span class="quiet">(version {version.number})</span>' in page


def test_clips_are_decided_by_forms_alone(stock: Stock, owner: SetInfo, ada: Visitor) -> None:
    ids = [stock.clip(owner, "wave", seed=k) for k in range(4)]
    address = f"/review?set={owner.id}"
    seen = {f"seen-{clip}": how for clip, how in shown(ada.get(address).text).items()}
    ticked = ada.post(address, {**seen, f"clip-{ids[0]}": "on", f"clip-{ids[1]}": "on", "do": "accepted"})
    assert (ticked.status_code, ticked.headers["location"]) == (303, f"{address}&state=new&order=doubt")
    assert ada.post(address, {**seen, "one": f"excluded {ids[2]}"}).status_code == 303
    named = {f"label-{ids[3]}": str(owner.gestures[1].id), "one": f"label {ids[3]}"}
    assert ada.post(address, {**seen, **named}).status_code == 303
    states = [stock.clips.get(ADA, clip).state for clip in ids]
    assert states == ["accepted", "accepted", "excluded", "new"]
    assert stock.clips.get(ADA, ids[3]).label == "bow"
    nothing = ada.post(address, {**seen, "do": "accepted"})
    assert (nothing.status_code, "Tick some clips first." in nothing.text) == (409, True)


@pytest.mark.parametrize(
    "fields",
    [
        {"one": "accepted ../../etc"},
        {"one": "nonsense {id}", "seen-{id}": "new -"},
        {"one": "accepted {id}", "seen-{id}": "new 1e9"},
        {"do": "accepted", "clip-{id}": "on"},
        {"do": "label", "clip-{id}": "on", "seen-{id}": "new -", "label": "<script>"},
    ],
)
def test_a_form_that_nobody_could_have_filled_in_changes_nothing(
    stock: Stock, owner: SetInfo, ada: Visitor, fields: dict[str, str]
) -> None:
    clip = stock.clip(owner)
    ada.get("/review")
    answer = ada.post("/review", {name.format(id=clip): told.format(id=clip) for name, told in fields.items()})
    assert answer.status_code == 409
    assert stock.clips.get(ADA, clip).state == "new"


def test_what_another_admin_decided_meanwhile_is_told_and_stays(
    studio: Running, stock: Stock, owner: SetInfo, ada: Visitor
) -> None:
    studio.member("Boris", "admin")
    clip, other = stock.clip(owner, "wave"), stock.clip(owner, "wave")
    seen = {f"seen-{one}": how for one, how in shown(ada.get("/review").text).items()}
    stock.review.decide(2, [clip], "excluded")
    late = ada.post("/review", {**seen, f"clip-{clip}": "on", f"clip-{other}": "on", "do": "accepted"})
    assert (late.status_code, "Somebody else decided otherwise meanwhile" in late.text) == (409, True)
    assert [stock.clips.get(ADA, one).state for one in (clip, other)] == ["excluded", "accepted"]
    told = decide(ada, {"id": clip, "seen": stand("new", owner, "wave"), "wanted": stand("accepted", owner, "wave")})
    assert told["refused"] == {clip: "changed"}
    assert [(one["state"], one["by"]) for one in told["clips"]] == [("excluded", "Boris")]
    assert told["counts"] == {str(owner.id): {"new": 0, "accepted": 1, "excluded": 1}}


def test_scripts_decide_name_and_undo(stock: Stock, owner: SetInfo, ada: Visitor) -> None:
    clip, gone, nameless = stock.clip(owner, "wave"), stock.clip(owner), stock.clip(owner, None)
    foreign = stock.set("Other", ["wave"]).gestures[0].id
    new, done = stand("new", owner, "wave"), stand("accepted", owner, "bow")
    stock.clips.delete(ADA, [gone])
    told = decide(
        ada,
        {"id": clip, "seen": new, "wanted": done},
        {"id": gone, "seen": new, "wanted": done},
        {"id": nameless, "seen": stand("new", owner, None), "wanted": stand("accepted", owner, None)},
    )
    assert told["refused"] == {gone: "gone", nameless: "nameless"}
    assert stock.clips.get(ADA, clip).label == "bow"
    assert decide(ada, {"id": clip, "seen": done, "wanted": {**done, "gesture": foreign}})["refused"] == {clip: "bad"}
    assert decide(ada, {"id": clip, "seen": done, "wanted": {**done, "state": "lovely"}})["refused"] == {clip: "bad"}
    assert decide(ada, {"id": clip, "seen": done, "wanted": new})["refused"] == {}
    found = stock.clips.get(ADA, clip)
    assert (found.state, found.label, found.reviewed_by) == ("new", "wave", None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"clips": []},
        {"clips": [{"id": "0" * 33, "seen": {"state": "new"}, "wanted": {"state": "new"}}]},
        {"clips": [{"id": "0", "seen": {"state": "new", "gesture": 2**60}, "wanted": {"state": "new"}}]},
        {"clips": [{"id": "0", "seen": {"state": "new"}, "wanted": {"state": "new"}}] * 201},
    ],
)
def test_a_body_that_is_none_is_refused(ada: Visitor, body: Any) -> None:
    ada.get("/review")
    headers = {"X-CSRF-Token": ada.token, "Accept": "application/json"}
    answer = ada.ask("POST", "/api/review", json=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad")


def test_the_live_model_is_asked_about_clips_that_came_before_it(
    stock: Stock, owner: SetInfo, ada: Visitor, small_bundle: Path
) -> None:
    clip = stock.clip(owner, "wave")
    assert "Ask the live model" not in ada.get("/review").text
    assert ada.post(f"/review/guesses?set={owner.id}").status_code == 404  # there is none
    version = stock.version(owner, small_bundle)
    assert "1 new clips were not shown to the model that is live now." in ada.get("/review").text
    answer = ada.post(f"/review/guesses?set={owner.id}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/review?set={owner.id}&state=new&order=doubt")
    guess = stock.clips.get(ADA, clip).guess
    assert guess is not None
    assert (guess.label in version.labels, guess.model_id) == (True, version.id)
    assert "Ask the live model" not in ada.get("/review").text
    assert ada.post("/review/guesses").status_code == 404


@pytest.mark.parametrize("language", ["en", "es", "ru"])
def test_the_page_is_well_built_and_names_are_escaped(
    studio: Running, stock: Stock, ada: Visitor, language: str
) -> None:
    evil = "<script>alert(1)</script>"
    owner = stock.set("<b>&'\"", [evil, "wave"])
    stock.clip(owner, evil, guess=Guess("<img src=x onerror=alert(1)>", 0.9))
    stock.clip(owner, None)
    stock.clip(owner, "idle", state="accepted")
    ada.post("/appearance", {"language": language, "theme": "auto", "next": "/"})
    for state in ("new", "accepted", "excluded"):
        page = ada.get(f"/review?state={state}").text
        reader = Reader()
        reader.feed(page)
        reader.close()
        assert reader.all_problems() == [], state
        assert evil not in page
        assert "<img" not in page.partition("<main")[2]


def cards(page: Page) -> list[str]:
    return [one.get_attribute("data-id") or "" for one in page.locator(".card").all()]


def test_the_keyboard_is_enough_to_decide(studio: Running, stock: Stock, owner: SetInfo, visit: Visit) -> None:
    for k in range(4):
        stock.clip(owner, "wave", guess=Guess("wave", 0.5 + k / 10), seed=k)
    page = logged_in(visit, studio)
    page.goto(f"{studio.url}/review")
    first, second, third, fourth = cards(page)
    for key in ("j", "a", "x", "2", "j", "0"):
        page.keyboard.press(key)
    tags = page.locator(".card [data-tag]")
    expect(tags).to_have_text(["Accepted", "Excluded", "New", "New"], timeout=WAIT_MS)
    expect(page.locator(f"#card-{third} h2")).to_have_text("bow", timeout=WAIT_MS)
    expect(page.locator(f"#card-{fourth} h2")).to_have_text("idle", timeout=WAIT_MS)
    expect(page.locator(f"#card-{fourth}")).to_be_focused()
    expect(page.locator("[data-count=accepted]")).to_have_text("1", timeout=WAIT_MS)
    assert [stock.clips.get(ADA, one).label for one in (third, fourth)] == ["bow", "idle"]
    page.keyboard.press("u")
    expect(page.locator(f"#card-{fourth} h2")).to_have_text("wave", timeout=WAIT_MS)
    page.uncheck("#keys-on")
    page.locator(f"#card-{fourth}").focus()
    page.keyboard.press("x")
    page.check("#keys-on")
    page.locator(f"#card-{third}").focus()
    page.keyboard.press("a")
    expect(page.locator(f"#card-{third} [data-tag]")).to_have_text("Accepted", timeout=WAIT_MS)
    assert [stock.clips.get(ADA, one).state for one in (first, second, third, fourth)] == [
        "accepted",
        "excluded",
        "accepted",
        "new",
    ]


def test_several_are_decided_at_once_figures_move_and_what_is_gone_is_told(
    studio: Running, stock: Stock, owner: SetInfo, visit: Visit
) -> None:
    ids = [stock.clip(owner, "wave", seed=k) for k in range(3)]
    page = logged_in(visit, studio, expected="status of 404")
    page.goto(f"{studio.url}/review")
    canvas = page.locator(".card canvas").first
    drawn = "() => document.querySelector('.card canvas').width !== 300"  # which it is before anything is drawn
    page.wait_for_function(drawn, timeout=WAIT_MS)
    canvas.hover()
    still = canvas.evaluate("(one) => one.toDataURL()")
    page.wait_for_function(
        "(still) => document.querySelector('.card canvas').toDataURL() !== still", arg=still, timeout=WAIT_MS
    )
    stock.clips.delete(ADA, [ids[0]])
    page.check("#all")
    expect(page.locator("#ticked")).to_have_text("3 ticked")
    page.locator(".bulk button[value=accepted]").click()
    expect(page.locator(f"#card-{ids[0]} [data-tag]")).to_have_text("Gone", timeout=WAIT_MS)
    expect(page.locator(f"#card-{ids[1]} [data-tag]")).to_have_text("Accepted")
    expect(page.get_by_text("No longer there: 1.")).to_be_visible(timeout=WAIT_MS)
    page.select_option(f"#label-{ids[1]}", label="bow")
    expect(page.locator(f"#card-{ids[1]} h2")).to_have_text("bow", timeout=WAIT_MS)
    assert stock.clips.get(ADA, ids[1]).label == "bow"


def test_a_decision_is_sent_again_when_the_studio_was_away(
    studio: Running, stock: Stock, owner: SetInfo, visit: Visit
) -> None:
    clip = stock.clip(owner, "wave")
    page = logged_in(visit, studio, expected="net::ERR_FAILED|status of 503")
    page.goto(f"{studio.url}/review")
    page.route("**/api/review", lambda route: route.abort(), times=1)
    page.locator(f"#card-{clip} [data-do=accepted]").click()
    expect(page.get_by_text("The studio cannot be reached.")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(f"#card-{clip} [data-tag]")).to_have_text("Accepted", timeout=WAIT_MS)
    assert stock.clips.get(ADA, clip).state == "accepted"


def test_it_fits_a_phone_and_works_without_scripts(studio: Running, stock: Stock, owner: SetInfo, visit: Visit) -> None:
    clip = stock.clip(owner, "wave")
    page = logged_in(visit, studio, java_script_enabled=False, **PHONE)
    page.goto(f"{studio.url}/review")
    page.locator(f"#card-{clip} button", has_text="Accept").click()
    expect(page.get_by_text("Everything is reviewed")).to_be_visible()
    page = logged_in(visit, studio, **PHONE)
    page.goto(f"{studio.url}/review?state=accepted")
    assert not page.evaluate(WIDE)
    assert page.evaluate(TOO_SMALL) == []
