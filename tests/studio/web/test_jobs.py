"""Jobs: asked for, followed while they run, cancelled; when sets are trained again, and whether anybody does it."""

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from ademan.studio.data.gestures import SetInfo
from ademan.studio.data.jobs import Held
from ademan.studio.data.tables import HeldOutPerson
from ademan.studio.web.amounts import duration, percenter
from ademan.studio.web.texts import speaker
from ademan.studio.work import options
from ademan.studio.work.readiness import readiness
from ademan.studio.work.retrain import Workshop
from ademan.studio.work.wakeups import HueyBell
from ademan.studio.work.worker import Worker
from tests.server.browser import Visit, browser, visit
from tests.studio.web.conftest import Running, Visitor
from tests.studio.web.filling import ADA, BAD_ONE, GOOD_ONE, Stock, ada, owner, stock
from tests.studio.web.test_browser import PHONE, TOO_SMALL, WIDE, logged_in
from tests.studio.web.test_look import Reader
from tests.studio.work.conftest import Silence, at_once

__all__ = ["ada", "browser", "owner", "stock", "visit"]  # fixtures
WAIT_MS = 15_000
FILLED = {
    "when": "daily",
    "at": "04:30",
    "zone": "Europe/Madrid",
    "clips": "7",
    "min_gain": "1,5",
    "max_class_loss": "10",
    "min_test_clips": "12",
    "first_margin": "20",
}


@pytest.fixture
def taken(stock: Stock, owner: SetInfo) -> Held:
    """A job that a worker has taken."""
    stock.jobs.enqueue("train", owner.id, created_by=ADA)
    held = stock.jobs.take("worker-1")
    assert held is not None
    return held


@pytest.fixture
def working(studio: Running) -> Iterator[Callable[..., Worker]]:
    """Let a worker work in a thread until the end of the test."""
    started: list[tuple[Worker, threading.Thread]] = []

    def start(bell: Any = None, **options: Any) -> Worker:
        workshop = Workshop(studio.database, studio.files, studio.config.folder / "work")
        worker = Worker(workshop, bell or Silence(), do=at_once, **options)
        thread = threading.Thread(target=worker.run, daemon=True)
        started.append((worker, thread))
        thread.start()
        return worker

    yield start
    for worker, thread in started:
        worker.end()
        thread.join(20)
        assert not thread.is_alive()


def followed(visitor: Visitor, job_id: int, after: int = 0) -> Any:
    answer = visitor.ask("GET", f"/api/jobs/{job_id}?after={after}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_lacks_is_told_before_a_worker_would_refuse_it(stock: Stock, owner: SetInfo, ada: Visitor) -> None:
    stock.clip(owner, "wave", state="accepted")
    page = ada.get("/jobs").text
    assert "There is too little to learn from" in page
    assert "wave: 2 more; bow: 3 more; idle: 3 more" in page
    assert re.search(r'<button class="main" type="submit" disabled>Train now', page)
    refused = ada.post("/jobs", {"set": str(owner.id)})
    assert (refused.status_code, stock.jobs.recent()) == (422, [])
    assert ada.post("/jobs", {"set": "99"}).status_code == 404
    assert ada.post("/jobs", {"set": "x"}).status_code == 422
    assert ada.get("/jobs?set=99").status_code == 404


def test_what_a_training_would_use_is_told_and_binds_nobody(
    studio: Running, stock: Stock, owner: SetInfo, ada: Visitor
) -> None:
    for name in ("Boris", "Clara"):
        studio.member(name)
    for person in (1, 2, 3):
        stock.recorded(owner, person, labels=("wave", "idle") if person == 3 else ("wave", "bow"))
    page = ada.get("/jobs").text
    assert "Accepted clips: 18; people: 3. Learnt from: 12; kept for the test: 6." in page
    assert "Whole people are kept for the test" in page
    assert "learnt and tested" in page
    with studio.database.reading() as session:
        assert session.query(HeldOutPerson).count() == 0
    stock.set("Empty")
    page = ada.get("/jobs").text
    assert re.findall(r'<span class="tag \w+">(can be trained|too few clips)</span>', page) == [
        "too few clips",
        "can be trained",
    ]


def test_clips_of_people_who_are_kept_for_the_test_do_not_count(studio: Running, stock: Stock, owner: SetInfo) -> None:
    stock.recorded(owner, ADA)
    assert readiness(studio.database, studio.files, owner.id).is_ready
    with studio.database.writing() as session:
        session.add(HeldOutPerson(set_id=owner.id, user_id=ADA))
    found = readiness(studio.database, studio.files, owner.id)
    assert (found.is_ready, found.lacking) == (False, [("wave", 3), ("bow", 3), ("idle", 3)])


def test_a_training_is_asked_for_once_and_a_worker_is_woken(
    stock: Stock, owner: SetInfo, ada: Visitor, studio: Running, working: Callable[..., Worker]
) -> None:
    stock.recorded(owner, ADA)
    ada.get("/jobs")
    asked = ada.post("/jobs", {"set": str(owner.id)})
    (job,) = stock.jobs.recent()
    assert (asked.status_code, asked.headers["location"]) == (303, f"/jobs/{job.id}")
    assert (job.kind, job.set_id, job.created_by, job.state) == ("train", owner.id, ADA, "queued")
    assert ada.post("/jobs", {"set": str(owner.id)}).headers["location"] == f"/jobs/{job.id}"
    assert "Follow the training" in ada.get("/jobs").text
    bell = HueyBell(studio.config)
    assert bell.wait(5)  # it rings before anybody listens, and is heard all the same
    bell.close()
    working(look_s=0.1)
    while not stock.jobs.get(job.id).is_over:
        threading.Event().wait(0.02)
    page = ada.get(f"/jobs/{job.id}").text
    assert "done at once" in page


def test_members_look_on_and_only_admins_ask_choose_and_cancel(
    studio: Running, stock: Stock, taken: Held, ada: Visitor
) -> None:
    member = studio.member("Boris")
    page = member.get("/jobs").text
    assert "Train now" not in page
    assert "Schedule and gate" not in page
    assert f'href="/jobs/{taken.id}"' in page
    page = member.get(f"/jobs/{taken.id}").text
    assert "worker-1" not in page
    assert "/cancel" not in page
    assert followed(member, taken.id)["worker"] is None
    assert followed(ada, taken.id)["worker"] == "worker-1"
    assert member.post(f"/jobs/{taken.id}/cancel").status_code == 403
    assert member.post("/jobs", {"set": "1"}).status_code == 403
    assert member.post("/jobs/settings", FILLED).status_code == 403
    assert not stock.jobs.get(taken.id).cancel_asked


def test_whoever_asked_may_cancel_though_no_admin_any_more(
    studio: Running, stock: Stock, owner: SetInfo, ada: Visitor
) -> None:
    boris = studio.member("Boris", "admin")
    job = stock.jobs.enqueue("train", owner.id, created_by=2)
    studio.members.set_role(ADA, 2, "member")
    assert "Cancel" in boris.get(f"/jobs/{job}").text
    assert boris.post(f"/jobs/{job}/cancel").status_code == 303
    assert stock.jobs.get(job).state == "cancelled"
    assert ada.post("/jobs/99/cancel").status_code == 404


def test_a_job_is_followed_line_by_line(stock: Stock, ada: Visitor, taken: Held) -> None:
    stock.jobs.beat(taken, 0.25, "Epoch 1", ["<b>Gathering</b>", "Epoch 1"])
    first = followed(ada, taken.id)
    assert (first["state"], first["progress"], first["message"], first["is_over"]) == (
        "running",
        0.25,
        "Epoch 1",
        False,
    )
    assert [line["text"] for line in first["lines"]] == ["<b>Gathering</b>", "Epoch 1"]
    assert 0 <= first["heard_ms"] < 60_000
    assert "&lt;b&gt;Gathering&lt;/b&gt;" in ada.get(f"/jobs/{taken.id}").text
    stock.jobs.finish(taken, {"model_id": 7, "version": 3}, "done")
    last = followed(ada, taken.id, first["lines"][-1]["id"])
    assert [line["text"] for line in last["lines"]] == ["done"]
    assert (last["is_over"], last["version"], last["heard_ms"]) == (True, {"id": 7, "number": 3}, None)
    assert followed(ada, taken.id, 10**18)["lines"] == []
    assert len(followed(ada, taken.id, -1)["lines"]) == 3
    for path in ("/api/jobs/99", "/api/jobs/x", "/jobs/99"):
        assert ada.get(path).status_code == 404


def test_no_worker_is_told_until_one_is_there(
    stock: Stock, owner: SetInfo, ada: Visitor, working: Callable[..., Worker]
) -> None:
    job = stock.jobs.enqueue("train", owner.id, created_by=ADA)
    assert followed(ada, job)["no_worker"]
    page = ada.get(f"/jobs/{job}").text
    assert re.search(r'id="no-worker">', page)
    assert "ademan worker" in page
    assert "No worker is running." in ada.get("/jobs").text
    stock.jobs.cancel(job)
    assert not followed(ada, job)["no_worker"]
    worker = working(look_s=0.1)
    while worker.name not in stock.workers.ages_ms():
        threading.Event().wait(0.02)
    assert "No worker is running." not in ada.get("/jobs").text


def test_a_job_that_ended_says_how(stock: Stock, ada: Visitor, owner: SetInfo, taken: Held) -> None:
    decision = {"verdict": "refused", "reasons": ["not better"]}
    stock.jobs.finish(taken, {"decision": decision, "model_id": 1, "version": 1}, "Version 1 was refused")
    page = ada.get(f"/jobs/{taken.id}").text
    assert "It did not pass, and did not go live." in page
    assert '<li lang="en">not better</li>' in page
    assert "To version 1" in page
    stock.jobs.enqueue("retrain", owner.id)
    held = stock.jobs.take("worker-2")
    assert held is not None
    stock.jobs.fail(held, "nothing is seen in any clip")
    page = ada.get(f"/jobs/{held.id}").text
    assert '<p id="message" lang="en" class="notice bad">nothing is seen in any clip</p>' in page
    assert "the schedule" in page
    assert "Train again" in page


def test_schedule_and_gate_are_chosen_all_of_them_or_none(studio: Running, ada: Visitor) -> None:
    ada.get("/jobs")
    assert ada.post("/jobs/settings", {**FILLED, "made_up_idle": "yes"}).status_code == 303
    schedule, gate = options.chosen_schedule(studio.settings), options.chosen_gate(studio.settings)
    assert (schedule.when, schedule.at, schedule.zone, schedule.clips) == ("daily", "04:30", "Europe/Madrid", 7)
    assert (gate.min_gain, gate.max_class_loss, gate.min_test_clips, gate.first_margin) == (0.015, 0.1, 12, 0.2)
    assert studio.settings.get(options.MADE_UP_IDLE)
    page = ada.get("/jobs").text
    assert 'value="1.5"' in page
    assert '<option value="daily" selected>' in page
    wrong = ada.post("/jobs/settings", {**FILLED, "at": "05:00", "zone": "Mars/North", "clips": "0"})
    assert (wrong.status_code, wrong.text.count('aria-invalid="true"')) == (422, 2)
    assert 'value="Mars/North"' in wrong.text
    assert options.chosen_schedule(studio.settings) == schedule


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("when", "always"),
        ("at", "25:00"),
        ("zone", "../../etc/passwd"),
        ("clips", "1.5"),
        ("min_gain", "nan"),
        ("max_class_loss", "-1"),
        ("min_test_clips", ""),
        ("first_margin", "inf"),
    ],
)
def test_what_cannot_be_chosen_is_told_at_its_field(studio: Running, ada: Visitor, name: str, told: str) -> None:
    ada.get("/jobs")
    answer = ada.post("/jobs/settings", {**FILLED, name: told})
    assert answer.status_code == 422
    if name != "when":
        assert re.search(rf'id="{name}-error"', answer.text)
    assert options.chosen_schedule(studio.settings).when == "off"


@pytest.mark.parametrize("language", ["en", "es", "ru"])
def test_the_pages_are_well_built(stock: Stock, ada: Visitor, taken: Held, language: str) -> None:
    evil = stock.set("<script>", ["<img>", "wave"])
    stock.recorded(evil, ADA, labels=("<img>", "wave"))
    waiting = stock.jobs.enqueue("train", evil.id, created_by=ADA)
    ada.post("/appearance", {"language": language, "theme": "auto", "next": "/"})
    pages = [ada.get(path) for path in ("/jobs", f"/jobs?set={evil.id}", f"/jobs/{taken.id}", f"/jobs/{waiting}")]
    pages.append(ada.post("/jobs/settings", {**FILLED, "zone": "<script>"}))
    for page in pages:
        reader = Reader()
        reader.feed(page.text)
        reader.close()
        assert reader.all_problems() == [], page.url
        assert "<script>" not in page.text


def test_shares_and_durations_are_written_as_the_language_does() -> None:
    assert [percenter(language)(0.975) for language in ("en", "es", "ru")] == ["97.5%", "97,5\u00a0%", "97,5\u00a0%"]
    assert percenter("en")(None) == "\u2013"
    say = speaker("en")
    assert [duration(ms, say) for ms in (-5, 59_400, 83_400, 7_260_000)] == ["0 s", "59 s", "1 min 23 s", "2 h 1 min"]


def test_a_page_follows_its_job_to_the_end(studio: Running, stock: Stock, owner: SetInfo, visit: Visit) -> None:
    page = logged_in(visit, studio)
    job = stock.jobs.enqueue("train", owner.id, created_by=ADA)
    page.goto(f"{studio.url}/jobs/{job}")
    expect(page.locator("#state")).to_have_text("waiting")
    expect(page.locator("#no-worker")).to_be_visible()
    held = stock.jobs.take("worker-1")
    assert held is not None
    stock.jobs.beat(held, 0.5, "Epoch 1 of 2", ["<b>Epoch 1 of 2</b>"])
    expect(page.locator("#state")).to_have_text("running", timeout=WAIT_MS)
    expect(page.locator("#log li span")).to_have_text(["<b>Epoch 1 of 2</b>"])
    expect(page.locator("#told")).to_have_text("running, 50%")
    expect(page.locator("#no-worker")).to_be_hidden()
    assert page.locator("#progress").evaluate("(one) => one.value") == 0.5
    decision = {"verdict": "promoted", "reasons": ["better"]}
    version = {"model_id": 1, "version": 1, "new": GOOD_ONE.to_json(), "old": BAD_ONE.to_json(), "decision": decision}
    stock.jobs.finish(held, version, "Version 1 is live")
    expect(page.get_by_role("link", name="To version 1")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("It passed, and went live by itself.")).to_be_visible()


@pytest.mark.slow
def test_a_page_goes_on_when_the_studio_was_away(studio: Running, stock: Stock, taken: Held, visit: Visit) -> None:
    page = logged_in(visit, studio, expected="net::ERR_FAILED")
    page.route("**/api/jobs/*", lambda route: route.abort(), times=2)
    page.goto(f"{studio.url}/jobs/{taken.id}")
    expect(page.locator("#away")).to_be_visible(timeout=WAIT_MS)
    stock.jobs.beat(taken, 0.7, "still at it", ["still at it"])
    expect(page.locator("#message")).to_have_text("still at it", timeout=WAIT_MS)
    expect(page.locator("#away")).to_be_hidden()


def test_the_list_of_jobs_follows_too_and_it_fits_a_phone(
    studio: Running, stock: Stock, taken: Held, visit: Visit
) -> None:
    page = logged_in(visit, studio, **PHONE)
    for path in (f"/jobs/{taken.id}", "/jobs"):
        page.goto(studio.url + path)
        assert not page.evaluate(WIDE), path
        assert page.evaluate(TOO_SMALL) == [], path
    stock.jobs.fail(taken, "no")
    expect(page.locator(f"[data-job='{taken.id}'] [data-state]")).to_have_text("failed", timeout=WAIT_MS)


def test_it_is_asked_for_and_cancelled_without_scripts(
    studio: Running, stock: Stock, owner: SetInfo, visit: Visit
) -> None:
    stock.recorded(owner, ADA)
    page = logged_in(visit, studio, java_script_enabled=False)
    page.goto(f"{studio.url}/jobs")
    page.get_by_role("button", name="Train now").click()
    expect(page.locator("#state")).to_have_text("waiting")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#state")).to_have_text("cancelled")
