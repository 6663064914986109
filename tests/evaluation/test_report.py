import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import plotly.graph_objects
import pytest

from ademan.errors import EvaluationError
from ademan.evaluation import score, summarise
from ademan.evaluation.idle_stream import FalseEvents
from ademan.evaluation.others import OthersScores
from ademan.evaluation.page import _inline
from ademan.evaluation.report import Report, RunsReport, write_report, write_runs_report
from ademan.evaluation.tables import Column, table
from tests.evaluation.conftest import certain, predictions, rejection

HISTORY = [
    {"epoch": e, "train_loss": 1 / e, "val_loss": 1.1 / e, "val_f1": 1 - 1 / e, "learning_rate": 0.1 / e}
    for e in (1, 2, 3)
]
EVIL = '<script>alert("x")</script>'
FACTS = {
    "dataset": "three.h5",
    "seed": 0,
    "versions": {"ademan": "0.1", "torch": "2.13"},
    "augment": ["mirror", "turn"],
}


class Page(HTMLParser):
    """What a browser would see: elements, ids, addresses, headings, and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.scripts: list[str] = []
        self.text = ""
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        found = {name: value or "" for name, value in attrs}
        self.ids += [found["id"]] if tag == "section" else []
        self.addresses += [
            found[name] for name in ("src", "href", "action", "data", "srcset", "poster") if name in found
        ]
        self._script = tag == "script"

    def handle_data(self, data: str) -> None:
        if self._script:
            self.scripts.append(data)
            self._script = False
        else:
            self.text += data


@pytest.fixture
def full() -> Report:
    others = OthersScores(rejection([0.9, 0.8, 0.6], [0.7, *[0.1] * 99]), FalseEvents({"wave": 3}, 0.1, 1))
    return Report("hands <1>", score(predictions()), "random", history=HISTORY, facts=FACTS, others=others)


def written(path: Path, report: Report | RunsReport) -> str:
    if isinstance(report, Report):
        write_report(path, report)
    else:
        write_runs_report(path, report)
    return path.read_text(encoding="utf-8")


def charts(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Page(text).scripts[0])
    return found


def test_a_report_has_all_its_sections(full: Report, tmp_path: Path) -> None:
    page = Page(written(tmp_path / "report.html", full))
    sections = ["result", "learning", "confusions", "classes", "groups"]
    sections += ["confidence", "rejection", "mistakes", "making"]
    assert page.ids == sections
    assert [f"#{name}" for name in sections[1:]] == [a for a in page.addresses if a.startswith("#")]
    assert "Right in" in page.text
    assert "This test is too easy." in page.text
    assert "three.h5" in page.text
    assert "ademan: 0.1; torch: 2.13" in page.text
    assert "mirror, turn" in page.text


def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    page = Page(written(tmp_path / "report.html", Report("bare", score(predictions(people=0)))))
    assert page.ids == ["result", "confusions", "classes", "confidence", "mistakes"]


def test_what_is_no_gesture_is_told_at_the_top_and_in_a_section(full: Report, tmp_path: Path) -> None:
    page = Page(written(tmp_path / "report.html", full))
    assert page.text.count("Of 100 clips that show none of its gestures it takes 1 for one") == 2
    assert page.text.count("it fires 3 times by mistake: 30 an hour") == 2
    assert "'idle' of d.h5" in page.text
    assert "ademan calibrate BUNDLE RECORDING" in page.text
    assert "Thresholds were chosen on these very clips" in page.text
    assert "were or may have been used in training: others will pass" not in page.text
    assert "is not known" not in page.text


def test_that_nothing_without_a_gesture_was_judged_is_said_with_what_to_do(tmp_path: Path) -> None:
    page = Page(written(tmp_path / "report.html", Report("x", score(predictions()))))
    assert "How often it fires by mistake is not known: it was judged on gestures alone" in page.text
    assert "ademan evaluate BUNDLE DATASET --others CLIPS.h5" in page.text
    assert "rejection" not in page.ids


def test_clips_too_short_for_a_stream_and_too_few_for_a_threshold_are_said_to_be_so(tmp_path: Path) -> None:
    others = OthersScores(rejection([0.9, 0.8], [0.7, 0.1]), None)
    page = Page(written(tmp_path / "report.html", Report("x", score(predictions()), others=others)))
    assert page.text.count("How often it fires by mistake live is not known") == 2
    assert "These are too few clips to choose a threshold by." in page.text
    assert "0.5 (its own)" in page.text
    assert "(for 1" not in page.text


def test_a_stream_alone_makes_a_section_without_a_chart(tmp_path: Path) -> None:
    others = OthersScores(None, FalseEvents({EVIL: 3}, 0.1, 1), unseen=False)
    text = written(tmp_path / "report.html", Report("x", score(predictions()), others=others))
    page = Page(text)
    assert "rejection" in page.ids
    assert "rejection" not in charts(text)
    assert "others will pass more often" in page.text
    assert page.elements.count("script") == 3


@pytest.mark.parametrize("K", [2, 101])
def test_few_and_many_classes_fit_a_report(K: int, tmp_path: Path) -> None:
    text = written(tmp_path / "report.html", Report("many", score(predictions(200, tuple(f"c{k}" for k in range(K))))))
    assert len(charts(text)["confusion"]["data"][0]["z"]) == K
    assert ('class="scroll tall"' in text) == (K > 30)


@pytest.mark.parametrize("predicted", [0, 1])
def test_one_clip_makes_a_report(predicted: int, tmp_path: Path) -> None:
    text = written(tmp_path / "report.html", Report("one", score(certain([0], [predicted]))))
    assert ("There is none." in text) == (predicted == 0)
    assert "These are few clips" in text


def test_a_report_loads_nothing_from_elsewhere(full: Report, tmp_path: Path) -> None:
    text = written(tmp_path / "report.html", full)
    page = Page(text)
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    assert not {"img", "iframe", "object", "embed", "base", "form"} & set(page.elements)
    own = text.replace(page.scripts[1], "")
    assert not re.search(r"(src|href)\s*=\s*[\"']?\s*(https?:)?//|url\(|@import|https?:", own, re.IGNORECASE)
    assert "default-src 'none'" in text


def test_plotly_is_in_the_file_exactly_once(full: Report, tmp_path: Path) -> None:
    text = written(tmp_path / "report.html", full)
    assert len(re.findall(r"plotly\.js v\d", text)) == 1
    assert len(Page(text).scripts) == 3


def test_no_text_of_a_user_becomes_an_element(tmp_path: Path) -> None:
    p = predictions(40, (EVIL, "<b>b</b>", "'\"&"))
    p = replace(p, ids=tuple(f"{EVIL}{n}" for n in range(40)), groups=(EVIL,) * 40, group_kind=EVIL)
    report = Report(EVIL, score(p), f"official:{EVIL}", history=HISTORY, facts={EVIL: {EVIL: [EVIL]}})
    text = written(tmp_path / "report.html", report)
    page = Page(text)
    assert page.elements.count("script") == 3
    assert "b" not in page.elements
    assert EVIL in page.text
    assert "<" not in page.scripts[0]
    confusion = charts(text)["confusion"]
    assert confusion["data"][0]["x"][0] == '&lt;script&gt;alert("x")&lt;/script&gt;'
    assert confusion["layout"]["xaxis"]["ticktext"][1] == "&lt;b&gt;b&lt;/b&gt;"


def test_dollars_in_a_text_are_no_places_of_the_template(tmp_path: Path) -> None:
    assert "$plotly costs $5" in written(tmp_path / "r.html", Report("$plotly costs $5", score(certain([0], [0]))))


def test_each_chart_is_one_that_plotly_takes(full: Report, tmp_path: Path) -> None:
    found = charts(written(tmp_path / "report.html", full))
    names = ["learning-0", "learning-1", "learning-2", "confusion", "groups", "reliability", "rejection"]
    assert list(found) == names
    for chart in found.values():
        plain = json.loads(re.sub(r'"@\w+"', '"#123456"', json.dumps(chart)))
        plotly.graph_objects.Figure(plain["data"], plain["layout"])
        plotly.graph_objects.Figure(layout=plain.get("narrow", {}).get("layout"))


def test_colours_of_the_charts_are_in_the_style_sheet_for_light_and_dark(full: Report, tmp_path: Path) -> None:
    text = written(tmp_path / "report.html", full)
    for name in set(re.findall(r'"@(\w+)"', Page(text).scripts[0])):
        assert len(re.findall(rf"--{name}: #", text)) == 2


def test_a_script_cannot_end_its_element_early() -> None:
    assert _inline('a = "</script>" + "</SCRIPT >" + "<!--";\r\n') == 'a = "<\\/script>" + "<\\/SCRIPT >" + "<\\!--";\n'


def test_a_table_says_what_is_missing_and_sorts_by_the_exact_value() -> None:
    text = table([Column("class", "text"), Column("F1", "score")], [("<a>", 1 / 3), ("b", None)])
    assert "<td>&lt;a&gt;</td>" in text
    assert 'data-value="0.3333333333333333">0.33</td>' in text
    assert 'data-value="">&ndash;</td>' in text


def test_a_report_on_several_runs_has_each_of_them_and_their_mean(tmp_path: Path) -> None:
    runs = [score(certain([0] * 10, [0] * right + [1] * (10 - right))) for right in (5, 6, 10)]
    report = RunsReport("three splits", ("one", "two", EVIL), summarise(runs), FACTS)
    text = written(tmp_path / "runs.html", report)
    page = Page(text)
    assert page.ids == ["result", "making"]
    assert "Right in 70\N{NO-BREAK SPACE}% of clips over 3 runs, give or take 26.5 points (95" in page.text
    assert "0.700 ± 0.265" in page.text
    assert "0.600" in page.text
    assert page.elements.count("script") == 3
    assert charts(text)["runs"]["data"][0]["y"] == [0.5, 0.6, 1.0]


def test_a_single_run_has_a_mean_without_spread(tmp_path: Path) -> None:
    text = written(tmp_path / "runs.html", RunsReport("one", ("a",), summarise([score(certain([0], [0]))])))
    assert "over 1 run (95" in text
    assert "± 0" not in text


def test_runs_without_names_of_their_own_are_refused() -> None:
    with pytest.raises(EvaluationError, match="a name for each: expected 1, found 2"):
        RunsReport("x", ("a", "b"), summarise([score(certain([0], [0]))]))


TRY_SORTING = """<script>
const heads = [...document.querySelectorAll("#classes th button")];
const order = () => [...document.querySelectorAll("#classes tbody tr")].map((row) => row.cells[0].textContent).join("");
const seen = [];
for (const column of [1, 1, 0, 0]) { heads[column].click(); seen.push(order()); }
document.body.dataset.orders = seen.join(" ");
</script></body>"""


def dom(path: Path, profile: Path) -> str:
    """The page as a browser leaves it, or skip."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium to open the report with")
    quiet = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
    more = f"--disable-component-update --user-data-dir={profile} --virtual-time-budget=5000 --dump-dom"
    command = [browser, *quiet.split(), *more.split(), path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout


def test_a_browser_draws_all_charts_under_the_page_s_own_policy(full: Report, tmp_path: Path) -> None:
    written(tmp_path / "report.html", full)
    page = dom(tmp_path / "report.html", tmp_path / "profile")
    drawn = re.findall(r'data-chart="([\w-]+)"[^>]*>\s*<div class="plot-container', page)
    assert drawn == ["learning-0", "learning-1", "learning-2", "confusion", "groups", "reliability", "rejection"]


def test_a_browser_sorts_by_any_column_with_the_unknown_last(tmp_path: Path) -> None:
    # F1: a 2/3, b 1, c unknown.
    text = written(tmp_path / "report.html", Report("sorted", score(certain([0, 0, 1, 1], [0, 2, 1, 1]))))
    unlocked = re.sub("<meta http-equiv=[^>]*>", "", text).replace("</body>", TRY_SORTING)
    (tmp_path / "report.html").write_text(unlocked, encoding="utf-8")
    assert 'data-orders="bac abc abc cba"' in dom(tmp_path / "report.html", tmp_path / "profile")
