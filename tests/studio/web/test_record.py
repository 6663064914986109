"""Recording: what is asked for, and a recording in a browser whose camera shows a film."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect
from sqlalchemy import select

from ademan.studio.data.clips import ClipInfo, Clips
from ademan.studio.data.gestures import GestureSets, SetInfo
from ademan.studio.data.tables import Recording
from tests.studio.conftest import made_clip
from tests.studio.live.fakes import MIDDLE
from tests.studio.web.conftest import GOOD, Running, Visitor
from tests.studio.web.film import browser_with_camera, film
from tests.studio.web.test_browser import PHONE, TOO_SMALL, WIDE

PATIENCE_MS = 15_000


@pytest.fixture
def owner(studio: Running) -> SetInfo:
    sets = GestureSets(studio.database, studio.files)
    return sets.add(1, "Greetings", gestures=[("wave", "from side to side"), ("bow", "")])


def ada(studio: Running) -> Visitor:
    visitor = studio.visitor()
    visitor.log_in("Ada")
    return visitor


def by_script(visitor: Visitor, method: str, path: str, content: object = None) -> tuple[int, Any]:
    answer = visitor.ask(method, path, json=content, headers={"X-CSRF-Token": visitor.token})
    return answer.status_code, answer.json()


def recordings(studio: Running) -> list[Recording]:
    with studio.database.reading() as session:
        return list(session.scalars(select(Recording).order_by(Recording.id)))


def test_a_recording_is_begun_and_ended(studio: Running, owner: SetInfo) -> None:
    visitor = ada(studio)
    status, made = by_script(visitor, "POST", "/api/recordings", {"set": owner.id, "video": True})
    assert status == 201
    assert by_script(visitor, "POST", f"/api/recordings/{made['id']}/end") == (200, {"id": made["id"]})
    (one,) = recordings(studio)
    assert (one.id, one.user_id, one.set_id, one.video_agreed) == (made["id"], 1, owner.id, True)
    assert one.ended_ms is not None


@pytest.mark.parametrize(
    ("content", "status"),
    [({"set": 99}, 404), ({}, 422), ({"set": "1"}, 422), ({"set": 1, "video": "yes"}, 422), ([], 422), (None, 422),
     ({"set": True}, 422)],
)  # fmt: skip
def test_recordings_of_nothing_are_refused(studio: Running, owner: SetInfo, content: object, status: int) -> None:
    visitor = ada(studio)
    assert by_script(visitor, "POST", "/api/recordings", content)[0] == status
    assert recordings(studio) == []


def test_nobody_ends_a_recording_of_somebody_else(studio: Running, owner: SetInfo) -> None:
    boris = studio.member("Boris")
    recording = Clips(studio.database, studio.files).begin_recording(1, owner.id)
    by_script(boris, "POST", f"/api/recordings/{recording}/end")
    assert recordings(studio)[0].ended_ms is None


def test_what_a_set_lacks_is_told_without_names(studio: Running, owner: SetInfo) -> None:
    boris = studio.member("Boris")
    clips = Clips(studio.database, studio.files)
    clips.add(made_clip(), owner.id, 1, gesture_id=owner.gestures[0].id)
    clips.add(made_clip(), owner.id, 2, idle=True)
    assert by_script(boris, "GET", f"/api/sets/{owner.id}/coverage") == (
        200,
        {
            "labels": [
                {"label": "wave", "clips": 1, "mine": 0, "people": 1},
                {"label": "bow", "clips": 0, "mine": 0, "people": 0},
                {"label": "idle", "clips": 1, "mine": 1, "people": 1},
            ],
            "people": 2,
        },
    )
    assert by_script(boris, "GET", "/api/sets/99/coverage")[0] == 404


@pytest.fixture(scope="module")
def filming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser before whose camera are hands."""
    with browser_with_camera(film(tmp_path_factory.mktemp("film") / "hands.mjpeg", [MIDDLE])) as found:
        yield found


@pytest.fixture
def page(filming: Browser, studio: Running) -> Iterator[Page]:
    """Ada's page, which says everything that it would rather not say."""
    context = filming.new_context()
    found = context.new_page()
    found.set_default_timeout(PATIENCE_MS)
    problems: list[str] = []
    found.on("pageerror", lambda error: problems.append(str(error)))
    found.on("console", lambda told: problems.append(told.text) if "policy" in told.text.lower() else None)
    log_in(found, studio)
    yield found
    context.close()
    assert problems == []


def log_in(page: Page, studio: Running) -> None:
    page.goto(f"{studio.url}/login")
    page.fill("#name", "Ada")
    page.fill("#password", GOOD)
    page.click("main button")
    page.wait_for_url(f"{studio.url}/")


def begin(page: Page, studio: Running, owner: SetInfo, **chosen: str) -> None:
    """Choose and start: short clips, and after a second."""
    page.goto(f"{studio.url}/record/{owner.id}")
    for field, value in {"clips": "1", "seconds": "1", "countdown": "1", **chosen}.items():
        (page.select_option if field in ("order", "after") else page.fill)(f"#{field}", value)
    page.get_by_role("button", name="Start the camera").click()


def decide(page: Page, name: str) -> None:
    """Press a button below a clip that is shown."""
    page.locator("#decide").get_by_role("button", name=name).click()


def shown(page: Page) -> str:
    """Return what is asked for, once a clip of it is recorded."""
    expect(page.locator("#view")).to_have_attribute("data-state", "take", timeout=PATIENCE_MS)
    return page.locator("#word").inner_text()


def clips_of(studio: Running) -> list[ClipInfo]:
    return Clips(studio.database, studio.files).mine(1).clips


def test_a_recording_is_led_from_the_first_prompt_to_the_summary(page: Page, studio: Running, owner: SetInfo) -> None:
    begin(page, studio, owner)
    words = []
    for count in range(3):
        words.append(shown(page))
        expect(page.locator("#decide")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.get_by_role("button", name="Keep")).to_be_focused()
        assert page.locator("#keeps-video").is_hidden()
        decide(page, "Keep")
        if count < 2:
            expect(page.locator("#done-text")).to_have_text(f"{count + 1} of 3", timeout=PATIENCE_MS)
    expect(page.locator("#summary")).to_be_focused(timeout=PATIENCE_MS)
    expect(page.locator("#summary-lead")).to_contain_text("Clips kept: 3")
    assert sorted(words) == ["Anything but the gestures", "bow", "wave"]
    expect(page.locator("#summary-table tbody tr")).to_have_count(3)
    expect(page.locator("#advice")).to_contain_text("Nobody else has recorded yet")
    clips = clips_of(studio)
    assert sorted(clip.label or "" for clip in clips) == ["bow", "idle", "wave"]
    names = [{"idle": "Anything but the gestures"}.get(clip.label or "", clip.label) for clip in reversed(clips)]
    assert names == words
    assert all(clip.frames >= 5 and clip.duration_ms > 500 and not clip.has_video for clip in clips)
    (recording,) = recordings(studio)
    assert recording.ended_ms is not None
    assert {clip.recording_id for clip in clips} == {recording.id}
    assert page.locator("#camera").evaluate("(video) => video.srcObject") is None  # the camera is let go


@pytest.mark.slow
def test_a_clip_is_made_again_kept_by_itself_and_steered_by_keys(page: Page, studio: Running, owner: SetInfo) -> None:
    page.goto(f"{studio.url}/record/{owner.id}")
    page.get_by_role("checkbox", name="idle").uncheck()
    expect(page.locator("#planned")).to_contain_text("Clips: 10")
    for field, value in {"clips": "1", "seconds": "1", "countdown": "1"}.items():
        page.fill(f"#{field}", value)
    page.select_option("#order", "blocks")
    page.select_option("#after", "2")
    page.get_by_role("button", name="Start the camera").click()
    assert shown(page) == "wave"
    expect(page.locator("#auto")).to_contain_text("Kept in", timeout=PATIENCE_MS)
    page.keyboard.press("r")
    assert shown(page) == "wave"
    assert clips_of(studio) == []
    expect(page.locator("#done-text")).to_have_text("1 of 2", timeout=PATIENCE_MS)  # by itself
    assert shown(page) == "bow"
    expect(page.locator("#decide")).to_be_visible(timeout=PATIENCE_MS)
    page.keyboard.press("k")
    expect(page.locator("#summary-lead")).to_contain_text("Clips kept: 2", timeout=PATIENCE_MS)
    assert {clip.label for clip in clips_of(studio)} == {"wave", "bow"}


def test_a_recording_pauses_goes_on_and_can_be_ended(page: Page, studio: Running, owner: SetInfo) -> None:
    begin(page, studio, owner, countdown="5")
    expect(page.locator("#count")).not_to_be_empty(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#view")).to_have_attribute("data-state", "pause")
    expect(page.locator("#word")).to_have_text("Paused")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#view")).to_have_attribute("data-state", "count", timeout=PATIENCE_MS)
    page.get_by_role("button", name="End").click()
    expect(page.locator("#summary-lead")).to_have_text("No clip was kept.", timeout=PATIENCE_MS)
    expect(page.locator("#stage")).to_be_hidden()
    assert clips_of(studio) == []
    page.get_by_role("button", name="Record more").click()
    expect(page.get_by_role("button", name="Start the camera")).to_be_focused()


def test_videos_are_kept_where_one_agrees_and_a_sign_says_so(page: Page, studio: Running, owner: SetInfo) -> None:
    page.goto(f"{studio.url}/record/{owner.id}")
    agreed = page.get_by_role("checkbox", name="Also keep the video")
    expect(agreed).not_to_be_checked()
    agreed.check()
    for field, value in {"clips": "1", "seconds": "1", "countdown": "1"}.items():
        page.fill(f"#{field}", value)
    page.select_option("#after", "2")
    page.get_by_role("checkbox", name="bow").uncheck()
    page.get_by_role("checkbox", name="idle").uncheck()
    page.get_by_role("button", name="Start the camera").click()
    assert shown(page) == "wave"
    expect(page.locator("#keeps-video")).to_be_visible()
    expect(page.locator("#summary-lead")).to_contain_text("Clips kept: 1", timeout=PATIENCE_MS)
    (clip,) = clips_of(studio)
    assert clip.has_video
    video, ending = Clips(studio.database, studio.files).video(1, clip.id)
    assert ending in (".webm", ".mp4")
    assert len(video) > 500
    page.goto(f"{studio.url}/clips/{clip.id}")
    page.wait_for_timeout(100)
    expect(page.locator("video")).to_have_js_property("readyState", 4, timeout=PATIENCE_MS)


@pytest.mark.slow
def test_a_lost_connection_costs_one_prompt_and_nothing_that_was_kept(
    page: Page, studio: Running, owner: SetInfo
) -> None:
    sockets: list[WebSocketRoute] = []

    def pass_on(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket("**/api/watch*", pass_on)
    begin(page, studio, owner, order="blocks")
    assert shown(page) == "wave"
    decide(page, "Keep")
    assert shown(page) == "bow"
    sockets[-1].close(code=1012, reason="restart")  # in the middle of it
    expect(page.locator("#word")).to_have_text("Connecting to the studio", timeout=PATIENCE_MS)
    assert shown(page) == "bow"
    decide(page, "Keep")
    assert shown(page) == "Anything but the gestures"
    expect(page.locator("#decide")).to_be_visible(timeout=PATIENCE_MS)
    sockets[-1].close(code=1012, reason="restart")  # while one thinks about a clip
    decide(page, "Keep")
    expect(page.locator("#trouble")).to_contain_text("lost with the connection", timeout=PATIENCE_MS)
    assert shown(page) == "Anything but the gestures"
    decide(page, "Keep")
    expect(page.locator("#summary-lead")).to_contain_text("Clips kept: 3", timeout=PATIENCE_MS)
    assert len(sockets) == 3
    assert sorted(clip.label or "" for clip in clips_of(studio)) == ["bow", "idle", "wave"]


def test_whoever_is_logged_out_meanwhile_is_told_what_to_do(page: Page, studio: Running, owner: SetInfo) -> None:
    begin(page, studio, owner, countdown="10")
    expect(page.locator("#count")).not_to_be_empty(timeout=PATIENCE_MS)
    studio.members.new_password(1, 1)  # ends all sessions
    page.wait_for_url("**/login?next=*", timeout=PATIENCE_MS)


def test_a_set_that_is_deleted_meanwhile_ends_it(page: Page, studio: Running, owner: SetInfo) -> None:
    page.goto(f"{studio.url}/record/{owner.id}")
    GestureSets(studio.database, studio.files).delete(1, owner.id)
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#plan-trouble")).to_contain_text("not there", timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Start the camera")).to_be_focused()


def test_a_clip_in_which_nothing_is_seen_is_refused_and_asked_for_again(
    page: Page, studio: Running, owner: SetInfo
) -> None:
    page.add_init_script("CanvasRenderingContext2D.prototype.drawImage = () => {}")  # a cap on the camera
    begin(page, studio, owner, order="blocks")
    assert shown(page) == "wave"
    expect(page.locator("#trouble")).to_contain_text("Hardly anything was seen", timeout=PATIENCE_MS)
    assert shown(page) == "wave"
    assert clips_of(studio) == []


@pytest.mark.parametrize("name", ["NotFoundError", "NotAllowedError", "NotReadableError"])
def test_without_a_camera_one_is_told_so_and_can_try_again(
    page: Page, studio: Running, owner: SetInfo, name: str
) -> None:
    page.add_init_script(f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{name}'))")
    begin(page, studio, owner)
    expect(page.locator("#plan-trouble b")).not_to_be_empty(timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Start the camera")).to_be_focused()
    expect(page.locator("#stage")).to_be_hidden()
    assert recordings(studio) == []


def test_a_camera_that_is_pulled_out_ends_it_and_keeps_what_was_kept(
    page: Page, studio: Running, owner: SetInfo
) -> None:
    begin(page, studio, owner, order="blocks")
    assert shown(page) == "wave"
    decide(page, "Keep")
    expect(page.locator("#done-text")).to_have_text("1 of 3", timeout=PATIENCE_MS)
    page.evaluate("document.getElementById('camera').srcObject.getTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.locator("#summary-lead")).to_contain_text("Clips kept: 1", timeout=PATIENCE_MS)
    expect(page.locator("#plan-trouble b")).not_to_be_empty(timeout=PATIENCE_MS)
    assert len(clips_of(studio)) == 1


@pytest.mark.parametrize("context", [{}, PHONE, {"color_scheme": "dark"}], ids=["desk", "phone", "dark"])
def test_the_stage_fits(filming: Browser, studio: Running, owner: SetInfo, context: dict[str, Any]) -> None:
    opened = filming.new_context(**context)
    page = opened.new_page()
    page.set_default_timeout(PATIENCE_MS)
    log_in(page, studio)
    begin(page, studio, owner)
    expect(page.locator("#decide")).to_be_visible(timeout=PATIENCE_MS)
    assert not page.evaluate(WIDE)
    if context is PHONE:
        assert page.evaluate(TOO_SMALL) == []
    page.get_by_role("button", name="End").click()
    expect(page.locator("#summary")).to_be_visible(timeout=PATIENCE_MS)
    assert not page.evaluate(WIDE)
    opened.close()


PROMPTS = """async ([count, clips, order]) => {
    const { promptsFor } = await import("/static/session.js");
    const gestures = Array.from({ length: count }, (_, i) => ({ id: i }));
    return promptsFor(gestures, clips, order).map(({ id }) => id);
}"""


def test_prompts_come_in_rounds_or_in_blocks(page: Page) -> None:
    assert page.evaluate(PROMPTS, [2, 3, "blocks"]) == [0, 0, 0, 1, 1, 1]
    assert page.evaluate(PROMPTS, [1, 3, "mixed"]) == [0, 0, 0]
    for _ in range(20):
        mixed = page.evaluate(PROMPTS, [3, 5, "mixed"])
        rounds = [sorted(mixed[i : i + 3]) for i in range(0, 15, 3)]
        assert rounds == [[0, 1, 2]] * 5
        assert all(one != after for one, after in pairwise(mixed))


COURSE = """async () => {
    const { Session } = await import("/static/session.js");
    const told = [];
    const view = new Proxy({}, { get: (_, name) => (...given) => told.push([name, given[0]]) });
    let fails = 2;
    const takes = {
        begin() {}, cancel() {}, drop() {},
        end: async () => ({ clip: 1 }),
        keep: async () => {
            if (fails-- > 0) throw Object.assign(new Error("the database is away"), { again: false });
            return "id";
        },
    };
    const times = { countdown: 0, seconds: 0.05, auto: 0 };
    const session = new Session({ prompts: [{ name: "wave" }], times, takes, view });
    const run = session.run();
    while (session.left.length) {
        session.answer("keep");
        await new Promise((go) => setTimeout(go, 5));
    }
    await run;
    const refused = told.filter(([name]) => name === "refused").map(([, error]) => error.message);
    return [session.kept.length, refused, told.filter(([name]) => name === "recording").length > 0];
}"""


def test_a_clip_that_could_not_be_kept_can_be_kept_once_more(page: Page) -> None:
    assert page.evaluate(COURSE) == [1, ["the database is away"] * 2, True]
