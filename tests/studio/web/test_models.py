"""Models: versions and their scores, compared, promoted, rolled back and downloaded."""

import base64
import hashlib
import io
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ademan.studio.data.gestures import SetInfo
from ademan.studio.web.scores import judgement, reasons
from ademan.studio.web.texts import speaker
from ademan.studio.work.gate import Decision, Gate, Reason, decide
from tests.server.browser import Visit, browser, visit
from tests.studio.web.conftest import Running, Visitor
from tests.studio.web.filling import ADA, BAD_ONE, GOOD_ONE, Stock, ada, judged, owner, stock
from tests.studio.web.test_browser import PHONE, TOO_SMALL, WIDE, logged_in
from tests.studio.web.test_look import CSS, WEB, Reader, contrast

__all__ = ["ada", "browser", "owner", "stock", "visit"]  # fixtures


def live_id(stock: Stock, owner: SetInfo) -> int | None:
    found = stock.models.live(owner.id)
    return found.id if found else None


def test_a_set_without_a_model_says_what_comes_first(ada: Visitor, stock: Stock) -> None:
    assert "There is no gesture set yet" in ada.get("/models").text
    stock.set("<i>Signs</i>")
    page = ada.get("/models").text
    assert "A first one needs two gestures with three accepted clips each." in page
    assert "&lt;i&gt;Signs&lt;/i&gt;" in page


def test_versions_are_listed_with_state_and_scores(
    stock: Stock, owner: SetInfo, ada: Visitor, small_bundle: Path
) -> None:
    first = stock.version(owner, small_bundle)
    second = stock.version(owner, small_bundle, BAD_ONE, GOOD_ONE, old_id=first.id)
    page = ada.get("/models").text
    rows = re.findall(r'<a href="/models/(\d+)">.*?<span class="tag \w*">(\w+)</span>.*?>(\d+\.\d%)<', page, re.S)
    assert rows == [(str(second.id), "refused", "76.7%"), (str(first.id), "live", "93.3%")]
    assert "Version 1 is live." in page
    assert ada.get("/models?set=99").status_code == 404


def test_a_page_of_all_sets_shows_the_last_ten_versions_and_one_of_a_set_all(
    stock: Stock, owner: SetInfo, ada: Visitor, small_bundle: Path
) -> None:
    for _ in range(11):
        stock.version(owner, small_bundle, None)
    assert len(re.findall(r'href="/models/\d+"', ada.get("/models").text)) == 10
    assert len(re.findall(r'href="/models/\d+"', ada.get(f"/models?set={owner.id}").text)) == 11


def test_a_version_says_why_it_was_refused_and_how_it_did(
    stock: Stock, owner: SetInfo, ada: Visitor, small_bundle: Path
) -> None:
    first = stock.version(owner, small_bundle)
    page = ada.get(f"/models/{stock.version(owner, small_bundle, BAD_ONE, GOOD_ONE, old_id=first.id).id}").text
    assert "It did not pass, and did not go live." in page
    assert "Not better: right are 23 of 30 clips (76.7%), before 28 of 30 clips (93.3%)." in page
    assert "wave got worse: 40.0% of its clips are right, 90.0% before; 5.0% may be lost." in page
    assert re.search(r'class="number wrong shade-3">6<span class="share">60%</span>', page)
    assert re.search(r'class="number right shade-5">10<span class="share">100%</span>', page)
    assert "wave taken for bow (6)" in page
    assert "1 min 23 s" in page
    assert ada.get("/models/99").status_code == 404
    assert ada.get("/models/x").status_code == 404


def test_a_version_without_scores_is_shown_too(stock: Stock, owner: SetInfo, ada: Visitor, small_bundle: Path) -> None:
    version = stock.version(owner, small_bundle, None)
    page = ada.get(f"/models/{version.id}").text
    assert "It was not judged by the gate." in page
    assert ada.get(f"/models/compare?old={version.id}&new={version.id}").status_code == 200


def test_names_of_people_are_for_admins_alone(
    studio: Running, stock: Stock, owner: SetInfo, ada: Visitor, small_bundle: Path
) -> None:
    member = studio.member("Boris")
    studio.member("Clara")
    version = stock.version(owner, small_bundle, split={"kind": "people", "people_learnt": [1], "people_tested": [3]})
    assert "Clara" in ada.get(f"/models/{version.id}").text
    page = member.get(f"/models/{version.id}").text
    assert "Clara" not in page
    assert "whole people whom it has never met" in page
    for path in (f"/models/{version.id}/promote", f"/models/sets/{owner.id}/back"):
        assert (member.get(path).status_code, member.post(path).status_code) == (403, 403)
    assert "/promote" not in page


def test_the_bundle_is_downloaded_as_it_was_kept(
    studio: Running, stock: Stock, ada: Visitor, small_bundle: Path
) -> None:
    owner = stock.set('Жесты/../"x" 2')
    version = stock.version(owner, small_bundle)
    answer = studio.member("Boris").get(f"/models/{version.id}/bundle.zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="x-2-v1.zip"'
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert int(answer.headers["content-length"]) == len(answer.content)
    digest = hashlib.sha256(answer.content).digest()
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None
    page = ada.get(f"/models/{version.id}").text
    assert digest.hex() in page
    assert "ademan serve x-2-v1.zip" in page
    key = next(file.key for file in studio.files.all() if file.key.startswith("bundles/"))
    studio.files.put(key, b"altered")
    assert ada.get(f"/models/{version.id}/bundle.zip").status_code == 404


def test_a_promotion_is_asked_about_first_and_says_what_is_lost(
    stock: Stock, owner: SetInfo, ada: Visitor, small_bundle: Path
) -> None:
    first = stock.version(owner, small_bundle)
    second = stock.version(owner, small_bundle, BAD_ONE, GOOD_ONE, old_id=first.id)
    stock.rename_labels(first, ["a", "b", "idle", "gone & lost"])
    page = ada.get(f"/models/{second.id}/promote").text
    assert "No longer recognised: gone &amp; lost" in page
    assert "The gate refused this version:" in page
    answer = ada.post(f"/models/{second.id}/promote", {"expected": str(first.id)})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/models/{second.id}")
    assert live_id(stock, owner) == second.id
    assert stock.models.get(second.id).promoted_by == ADA
    assert "Version 2 is live already." in ada.get(f"/models/{second.id}/promote").text


def test_a_page_that_was_open_too_long_undoes_nobodys_promotion(
    stock: Stock, owner: SetInfo, ada: Visitor, small_bundle: Path
) -> None:
    versions = [stock.version(owner, small_bundle, None) for _ in range(3)]
    one, two, three = (version.id for version in versions)
    ada.get(f"/models/{one}/promote")
    assert ada.post(f"/models/{one}/promote", {"expected": ""}).status_code == 303
    stock.models.promote(two)
    late = ada.post(f"/models/{three}/promote", {"expected": str(one)})
    assert (late.status_code, "nothing was done" in late.text) == (409, True)
    assert f'name="expected" value="{two}"' in late.text  # as it stands now: asked again, it is done
    assert ada.post(f"/models/sets/{owner.id}/back", {"expected": str(one)}).status_code == 409
    assert live_id(stock, owner) == two
    for expected in ("?", "x", "-1", "1" * 40):
        assert ada.post(f"/models/{three}/promote", {"expected": expected}).status_code == 422
    assert ada.post(f"/models/{three}/promote").status_code == 422
    assert live_id(stock, owner) == two


def test_one_goes_back_to_what_was_live_before(stock: Stock, owner: SetInfo, ada: Visitor, small_bundle: Path) -> None:
    one, two = (stock.version(owner, small_bundle, None).id for _ in range(2))
    assert ada.get(f"/models/sets/{owner.id}/back").status_code == 404
    stock.models.promote(one)
    stock.models.promote(two)
    assert "Back to version 1" in ada.get(f"/models/{two}").text
    assert "Go back to version 1?" in ada.get(f"/models/sets/{owner.id}/back").text
    answer = ada.post(f"/models/sets/{owner.id}/back", {"expected": str(two)})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/models/{one}")
    assert live_id(stock, owner) == one
    assert ada.post(f"/models/sets/{owner.id}/back", {"expected": str(one)}).status_code == 404


def test_two_versions_are_compared_and_one_is_warned_of_different_tests(
    stock: Stock, owner: SetInfo, ada: Visitor, small_bundle: Path
) -> None:
    one = stock.version(owner, small_bundle).id
    two = stock.version(owner, small_bundle, BAD_ONE, GOOD_ONE, old_id=one).id
    three = stock.version(owner, small_bundle, GOOD_ONE, BAD_ONE, old_id=99).id
    fair = ada.get(f"/models/compare?old={one}&new={two}").text
    assert "Both were judged on the same clips of the same people" in fair
    assert "-16.7%" in fair
    loose = ada.get(f"/models/compare?old={one}&new={three}").text
    assert "They were judged on different clips." in loose
    foreign = stock.version(stock.set("Other"), small_bundle).id
    assert ada.get(f"/models/compare?old={one}&new={foreign}").status_code == 422
    for query in ("", "old=1", "old=x&new=y", f"old={one}&new=99"):
        assert ada.get(f"/models/compare?{query}").status_code == 404


@pytest.mark.parametrize("language", ["en", "es", "ru"])
def test_the_pages_are_well_built(
    stock: Stock, owner: SetInfo, ada: Visitor, small_bundle: Path, language: str
) -> None:
    evil = judged((1, 0), (1, 0), labels=("<script>", "idle"))
    one = stock.version(owner, small_bundle).id
    two = stock.version(owner, small_bundle, evil, evil, old_id=one).id
    three = stock.version(owner, small_bundle, None).id
    ada.post("/appearance", {"language": language, "theme": "auto", "next": "/"})
    paths = [f"/models/{one}", f"/models/{two}", f"/models/{three}", f"/models/{two}/promote", "/models"]
    for path in (*paths, f"/models/compare?old={one}&new={two}", f"/models/sets/{owner.id}/back"):
        page = ada.get(path).text
        reader = Reader()
        reader.feed(page)
        reader.close()
        assert reader.all_problems() == [], path
        assert "<script>" not in page


@pytest.mark.parametrize("language", ["en", "es", "ru"])
def test_every_reason_of_the_gate_is_told_in_every_language(language: str) -> None:
    say, gate = speaker(language), Gate(min_gain=0.05)
    decisions = [
        decide(gate, GOOD_ONE, BAD_ONE),
        decide(Gate(), GOOD_ONE, BAD_ONE),
        decide(Gate(), BAD_ONE, GOOD_ONE),
        decide(Gate(min_test_clips=99), None, GOOD_ONE),
        decide(Gate(), None, judged((1, 1), (1, 1), labels=("a", "b"))),
        Decision("candidate", (Reason("uncompared", {}), Reason("changed", {"number": 0}))),
    ]
    codes = {reason.code for decision in decisions for reason in decision.why}
    assert codes == {"gain", "same", "worse", "better", "first", "few", "guessing", "uncompared", "changed"}
    for decision in decisions:
        told = reasons(decision.to_json(), say, lambda share: f"{share:.1%}")
        assert [is_own for _, is_own in told] == [True] * len(decision.why)
        assert all(text and "{" not in text for text, _ in told)
    assert reasons({"reasons": ["as it was"]}, say, str) == [("as it was", False)]


@pytest.mark.parametrize(
    "told",
    [None, [], {}, {"labels": []}, {"labels": ["a"], "confusion": [[1, 2]]}, {"labels": ["a"], "confusion": None}],
)
def test_scores_that_are_none_are_passed_over(told: object) -> None:
    assert judgement(told) is None


def test_a_matrix_is_shaded_by_the_share_of_its_row() -> None:
    found = judgement(judged((0, 0, 0), (1, 99, 0), (0, 5, 5)).to_json())
    assert found is not None
    assert [[cell.level for cell in row] for row in found.matrix] == [[0, 0, 0], [1, 5, 0], [0, 2, 2]]
    assert found.mistakes == [("idle", "bow", 5), ("bow", "wave", 1)]
    assert found.accuracy == pytest.approx(104 / 110)


def mixed(one: str, other: str, percent: int) -> str:
    """Return a part of a colour, as two digits, of which so much is of the one and the rest of the other."""
    return f"{round((int(one, 16) * percent + int(other, 16) * (100 - percent)) / 100):02x}"


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_numbers_can_be_read_on_every_shade(theme: int) -> None:
    def colour(name: str) -> str:
        found = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", CSS)
        assert found
        return found[theme + 1]

    rules = (WEB / "static" / "models.css").read_text(encoding="utf-8")
    shades = re.findall(r"color-mix\(in srgb, var\(--(\w+)\) (\d+)%, var\(--(\w+)\)\)", rules)
    assert len(shades) == 10
    for name, share, ground in shades:
        parts = [mixed(colour(name)[i : i + 2], colour(ground)[i : i + 2], int(share)) for i in (1, 3, 5)]
        assert contrast(colour("ink"), "#" + "".join(parts)) >= 4.5, (name, share)


def test_a_phone_shows_a_matrix_that_is_scrolled_and_the_command_is_copied(
    studio: Running, stock: Stock, owner: SetInfo, visit: Visit, small_bundle: Path
) -> None:
    labels = tuple(f"a gesture of many words {k}" for k in range(8))
    wide = judged(*([1] * 8 for _ in labels), labels=labels)
    version = stock.version(owner, small_bundle, wide, decision=Decision("candidate", ()))
    page = logged_in(visit, studio, permissions=["clipboard-read", "clipboard-write"], **PHONE)
    for path in (f"/models/{version.id}", "/models", f"/models/{version.id}/promote"):
        page.goto(studio.url + path)
        assert not page.evaluate(WIDE), path
        assert page.evaluate(TOO_SMALL) == [], path
    page.goto(f"{studio.url}/models/{version.id}")
    page.get_by_role("button", name="Copy: ademan serve").click()
    expect(page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "ademan serve greetings-v1.zip"
