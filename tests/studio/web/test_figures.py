"""The page of figures: who sees what, in which days, as charts, tables and sheets."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from ademan.studio.data import now_ms
from ademan.studio.data.clips import Clips
from ademan.studio.data.drift import statistics_of
from ademan.studio.data.gestures import GestureSets
from ademan.studio.data.predictions import Predictions, Said
from ademan.studio.data.tables import ModelVersion
from ademan.studio.web.asked import SPANS
from ademan.studio.web.routes.figures import CHANGES, STATISTICS
from ademan.studio.web.sheets import SHEETS, to_csv
from ademan.studio.web.texts import texts
from tests.server.browser import Visit, browser, visit
from tests.studio.conftest import made_clip
from tests.studio.data.test_models import version_row
from tests.studio.web.conftest import Running, Visitor
from tests.studio.web.test_browser import PHONE, WIDE, logged_in
from tests.studio.web.test_look import Reader

__all__ = ["browser", "visit"]  # fixtures
DAY_MS = 86_400_000
NOON = now_ms() // DAY_MS * DAY_MS + DAY_MS // 2 - DAY_MS
"""Of yesterday, UTC."""
YESTERDAY = datetime.fromtimestamp(NOON / 1000, UTC).date()
EVIL = '=HYPERLINK("x")'


@dataclass(frozen=True)
class Filled:
    """A studio in which Ada, an admin, and Boris and Eve tried two versions of one set."""

    running: Running
    set_id: int
    models: list[int]
    boris: Visitor

    @property
    def ada(self) -> Visitor:
        visitor = self.running.visitor()
        visitor.log_in("Ada")
        return visitor


@pytest.fixture
def filled(studio: Running) -> Filled:
    boris = studio.member("Boris")
    studio.accounts.register("=Eve<b>", "four words in a row")
    sets, clips = GestureSets(studio.database, studio.files), Clips(studio.database, studio.files)
    made = sets.add(1, "Signs <i>")
    for name in ("wave", EVIL):
        sets.add_gesture(1, made.id, name)
    ids = [clips.add(made_clip(seed=i), made.id, 2, idle=True).id for i in range(24)]
    judged = {"labels": ["wave", EVIL, "idle"], "confusion": [[8, 2, 0], [0, 5, 1], [0, 0, 9]]}
    with studio.database.writing() as session:
        rows = [version_row(made.id, number) for number in (1, 2)]
        for row in rows:
            row.created_ms, row.clips = NOON, statistics_of(studio.database, ids)
            row.scores = {"new": judged}
        rows[1].state = "live"
        session.add_all(rows)
    models = [row.id for row in rows]
    said = [
        Said(NOON + i * 60_000, kind, models[i % 2], label, 0.5 + i / 100, 20.0 + i, who)
        for i in range(10)
        for kind, label, who in (
            ("prediction", "wave", 2),
            ("began", "wave", 2),
            ("prediction", EVIL, 3),
            ("began", EVIL, 3),
        )
    ]
    predictions = Predictions(studio.database, studio.files)
    kept = predictions.add(said)
    for i in kept[1:9:4]:  # two of Boris' events
        predictions.correct(1, i, "wave")
    predictions.correct(1, kept[13], EVIL)
    return Filled(studio, made.id, models, boris)


def sheet(visitor: Visitor, name: str, query: str = "") -> list[list[str]]:
    """Return the rows of a sheet."""
    answer = visitor.get(f"/figures/{name}.csv?{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def tables(page: str) -> str:
    """Return the words of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_before_anybody_tries_the_page_says_what_to_do(studio: Running) -> None:
    visitor = studio.member("Boris")
    page = visitor.get("/figures")
    assert page.status_code == 200
    assert "Nothing was recognised yet" in page.text
    assert 'href="/try"' in page.text
    assert sheet(visitor, "gestures") == [["day", "gesture", "count"]]


def test_the_page_has_all_figures_and_is_well_built(filled: Filled) -> None:
    for visitor in (filled.ada, filled.boris):
        page = visitor.get("/figures")
        assert page.status_code == 200
        reader = Reader()
        reader.feed(page.text)
        assert reader.all_problems() == []
        assert page.text.count('class="chart"') == 5  # none today
        for id_ in ("gestures", "use", "today", "accuracy", "confidence", "latency", "drift", "versions"):
            assert f'id="{id_}-title"' in page.text
        assert "<i>" not in page.text
        assert "<b>" not in page.text
        assert "Signs &lt;i&gt;, version 2" in page.text


def test_accuracy_says_of_how_many_and_how_far_it_may_be_off(filled: Filled) -> None:
    words = tables(filled.boris.get("/figures").text)
    assert "2 of 3 answers say that the model was right: 67% (range 21\N{EN DASH}94%)" in words
    assert "wave 100% 34\N{EN DASH}100% 2" in words
    rows = sheet(filled.boris, "accuracy")
    assert ["2", "2", "1.0"] in [row[2:5] for row in rows]
    assert len(rows) == 3


def test_a_member_sees_nobody_elses_name_and_the_sum_of_the_others(filled: Filled) -> None:
    page = filled.boris.get("/figures").text
    assert "Boris (you)" in page
    assert "Everybody else" in page
    assert "=Eve" not in page
    assert "All people" not in page
    day = YESTERDAY.isoformat()
    assert sheet(filled.boris, "use") == [
        ["day", "person", "name", "predictions", "gestures"],
        [day, "others", "", "10", "10"],
        [day, "2", "Boris", "10", "10"],
    ]
    assert sheet(filled.ada, "use")[1:] == [[day, "2", "Boris", "10", "10"], [day, "3", "'=Eve<b>", "10", "10"]]
    assert "=Eve&lt;b&gt;" in filled.ada.get("/figures").text


def test_whoever_left_is_nobody(filled: Filled) -> None:
    filled.running.members.remove(1, 3)
    assert sheet(filled.ada, "use")[1] == [YESTERDAY.isoformat(), "nobody", "", "10", "10"]
    assert "Not logged in, or left" in filled.ada.get("/figures").text


def test_what_is_chosen_goes_into_all_figures_and_addresses(filled: Filled) -> None:
    query = f"set={filled.set_id}&model={filled.models[0]}&gesture=wave&span=7"
    page = filled.boris.get(f"/figures?{query}").text
    assert f'<option value="{filled.models[0]}" selected>' in page
    assert '<option value="wave" selected>' in page
    assert sheet(filled.boris, "gestures", query) == [["day", "gesture", "count"], [YESTERDAY.isoformat(), "wave", "5"]]
    address = re.search(r'href="/figures/gestures\.csv\?([^"]+)"', page)
    assert address is not None
    assert f"span=7&amp;set={filled.set_id}&amp;model={filled.models[0]}&amp;gesture=wave&amp;zone=UTC" == address[1]
    assert f'href="/figures?span=30&amp;set={filled.set_id}' in page


@pytest.mark.parametrize("span", SPANS)
def test_spans_of_days_end_today(filled: Filled, span: str) -> None:
    page = filled.boris.get(f"/figures?span={span}")
    assert page.status_code == 200
    assert f'value="{datetime.now(UTC).date()}"' in page.text
    counts = {"today": 1, "7": 3, "30": 3, "all": 3}
    assert len(sheet(filled.boris, "gestures", f"span={span}")) == counts[span]


def test_days_that_one_chooses(filled: Filled) -> None:
    before = YESTERDAY - timedelta(days=3)
    assert len(sheet(filled.boris, "gestures", f"from={before}&to={before}")) == 1
    assert len(sheet(filled.boris, "gestures", f"from={before}&to={YESTERDAY}")) == 3
    page = filled.boris.get(f"/figures?from={before}&to={before}")
    assert page.text.count("Nothing on these days") == 4
    long = filled.boris.get("/figures?from=2010-01-01")
    assert long.status_code == 200
    assert long.text.count("<rect") < 2000


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("from=2025-02-30", "These days cannot be shown"),
        ("from=2025-03-02&to=2025-03-01", "These days cannot be shown"),
        ("from=0001-01-01", "These days cannot be shown"),
        ("to=0001-01-01", "These days cannot be shown"),
        ("zone=Mars/Olympus", "This time zone is not known"),
        ("zone=../../../etc/passwd", "This time zone is not known"),
        ("set=999", "This set or version is not there"),
        ("model=1%27--", "This set or version is not there"),
        ("set=99999999999999999999", "This set or version is not there"),
    ],
)
def test_what_cannot_be_shown_is_told_and_the_rest_is_shown(filled: Filled, query: str, told: str) -> None:
    page = filled.boris.get(f"/figures?{query}")
    assert page.status_code == 422
    assert told in page.text
    assert page.text.count('class="chart"') == 5
    assert filled.boris.get(f"/figures/use.csv?{query}").status_code == 422


@pytest.mark.parametrize("gesture", ["<script>", "nothing", "%00", "x" * 3000, "%E2%80%AE"])
def test_any_gesture_can_be_asked_for(filled: Filled, gesture: str) -> None:
    page = filled.boris.get(f"/figures?gesture={gesture}")
    assert page.status_code == 200
    assert "<script>" not in page.text


def test_days_begin_at_the_readers_midnight(filled: Filled) -> None:
    late = Predictions(filled.running.database, filled.running.files)
    late.add([Said(NOON + DAY_MS // 2 - 60_000, "began", filled.models[0], "late", 0.5, 1.0, 2)])  # 23:59 UTC
    next_day = (YESTERDAY + timedelta(days=1)).isoformat()
    assert [YESTERDAY.isoformat(), "late", "1"] in sheet(filled.boris, "gestures")
    query = f"zone=Asia/Tokyo&from={YESTERDAY - timedelta(days=9)}&to={next_day}"
    assert [next_day, "late", "1"] in sheet(filled.boris, "gestures", query)
    filled.boris.plant("zone", "Asia/Tokyo")
    assert "Days begin at midnight in Asia/Tokyo" in filled.boris.get("/figures").text
    filled.boris.plant("zone", "../nonsense")
    assert "Days begin at midnight in UTC" in filled.boris.get("/figures").text


def test_today_by_half_hour(filled: Filled) -> None:
    Predictions(filled.running.database, filled.running.files).add(
        [Said(now_ms(), "prediction", filled.models[0], "wave", 0.5, 1.0, 2)]
    )
    rows = sheet(filled.boris, "today")
    assert len(rows) in (49, 50)  # it may have become tomorrow
    assert sum(int(row[2]) for row in rows[1:]) <= 1
    assert [row[1] for row in rows[1:4]] == ["00:00", "00:30", "01:00"]
    assert filled.boris.get("/figures").text.count('class="chart"') in (5, 6)


def test_confidence_and_latency(filled: Filled) -> None:
    rows = sheet(filled.boris, "pace")
    assert rows[1] == [YESTERDAY.isoformat(), "20", "0.545", "24.5", "29.0"]


def test_the_latest_versions_and_how_they_did(filled: Filled) -> None:
    words = tables(filled.boris.get("/figures").text)
    assert "88% of 25 clips right, macro F1 0.87" in words
    assert "wave 100% 80% 0.89 10" in words
    classes = sheet(filled.boris, "classes")
    assert classes[1] == ["2", "wave", "1.0", "0.8", "0.888889", "10"]
    assert classes[2][:2] == ["2", f"'{EVIL}"]
    confusion = sheet(filled.boris, "confusion")
    assert len(confusion) == 1 + 2 * 9
    assert ["1", "wave", f"'{EVIL}", "2"] in confusion


def test_drift_of_the_clips_since_the_training(filled: Filled) -> None:
    words = tables(filled.boris.get("/figures").text)
    assert "Signs &lt;i&gt;, version 2: 24 clips of these days that came after it was trained." in words
    rows = sheet(filled.boris, "drift")
    assert [row[1] for row in rows[1:]] == list(STATISTICS)
    assert {row[8] for row in rows[1:]} == {"none"}
    older = sheet(filled.boris, "drift", "to=2025-01-01")
    assert {row[8] for row in older[1:]} == {""}
    with filled.running.database.writing() as session:
        for version in session.query(ModelVersion):
            version.clips = {}
    assert "Version 2 kept no statistics of its clips" in filled.boris.get("/figures").text


def test_there_is_no_other_sheet(filled: Filled) -> None:
    for name in ("nothing", "..", "use.csv", "%2e%2e%2fusers", "__class__"):
        assert filled.boris.get(f"/figures/{name}.csv").status_code == 404
    for name in SHEETS:
        head = filled.boris.get(f"/figures/{name}.csv").headers["content-disposition"]
        assert re.fullmatch(rf'attachment; filename="ademan-{name}-\d{{4}}-\d\d-\d\d-\d{{4}}-\d\d-\d\d\.csv"', head)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx"])
def test_no_cell_is_a_formula(cell: str) -> None:
    content = to_csv([[cell, -1, 0.25, None, 'say "a", b']]).decode("utf-8-sig")
    assert next(csv.reader(io.StringIO(content, newline=""))) == [f"'{cell}", "-1", "0.25", "", 'say "a", b']


def test_there_are_words_for_all_statistics_and_changes() -> None:
    for key in (*STATISTICS.values(), *(text for _, text in CHANGES.values()), *SPANS.values()):
        assert texts("ru")[key]
    for language in ("en", "es", "ru"):
        assert len(texts(language)["figures.months"].split()) == 12


@pytest.mark.parametrize("context", [{}, PHONE, {"color_scheme": "dark"}], ids=["desk", "phone", "dark"])
def test_charts_show_their_values_by_mouse_and_by_keyboard(
    filled: Filled, visit: Visit, context: dict[str, Any]
) -> None:
    page = logged_in(visit, filled.running, timezone_id="UTC", **context)
    page.goto(f"{filled.running.url}/figures?span=7")
    assert not page.evaluate(WIDE)
    plot = page.get_by_role("group", name="Gestures shown by day")
    expect(plot).to_have_attribute("tabindex", "0", timeout=15_000)
    tip = plot.get_by_role("status")
    plot.focus()
    page.keyboard.press("End")
    expect(tip).to_be_visible(timeout=15_000)
    page.keyboard.press("ArrowLeft")
    expect(tip).to_contain_text(f"{YESTERDAY.day} ", timeout=15_000)
    expect(tip).to_contain_text(f"{EVIL}10", timeout=15_000)
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden(timeout=15_000)
    box = plot.locator(".area").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 5.5 / 7, box["y"] + box["height"] / 2)
    expect(tip).to_contain_text("wave10", timeout=15_000)
    tip_box = tip.bounding_box()
    assert tip_box is not None
    assert tip_box["x"] >= 0
    assert tip_box["x"] + tip_box["width"] <= page.evaluate("innerWidth")
    page.locator("figure").first.get_by_text("Show as table").click()
    expect(page.locator("figure").first.get_by_role("table")).to_be_visible(timeout=15_000)


def test_colours_of_charts_go_with_the_theme(filled: Filled, visit: Visit) -> None:
    page = logged_in(visit, filled.running, color_scheme="light")
    page.goto(f"{filled.running.url}/figures?span=7&zone=UTC")
    fill: Callable[[], str] = lambda: page.evaluate("getComputedStyle(document.querySelector('.area .t1')).fill")  # noqa: E731
    light = fill()
    page.emulate_media(color_scheme="dark")
    assert fill() != light
    assert light != "rgb(0, 0, 0)"


def test_the_days_become_those_of_the_readers_clock(filled: Filled, visit: Visit) -> None:
    page = logged_in(visit, filled.running, timezone_id="Asia/Tokyo")
    page.goto(f"{filled.running.url}/figures")
    expect(page.locator("#zone")).to_have_value("Asia/Tokyo", timeout=15_000)
    page.goto(f"{filled.running.url}/figures?zone=Europe/Madrid")
    expect(page.locator("#zone")).to_have_value("Europe/Madrid", timeout=15_000)


def test_figures_are_there_without_scripts(filled: Filled, visit: Visit) -> None:
    page = logged_in(visit, filled.running, java_script_enabled=False, **PHONE)
    page.goto(f"{filled.running.url}/figures")
    expect(page.locator(".area .t1").first).to_be_visible(timeout=15_000)
    page.select_option("#gesture", "wave")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#gesture")).to_have_value("wave", timeout=15_000)
    page.locator("figure").first.get_by_text("Show as table").click()
    expect(page.locator("figure").first.get_by_role("table")).to_be_visible(timeout=15_000)
