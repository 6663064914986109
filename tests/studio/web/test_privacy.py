"""One member reaches nothing of another's: every route is tried with what belongs to somebody else."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from ademan.studio.data.clips import Clips
from ademan.studio.data.predictions import Predictions, Said
from ademan.studio.web.guard import MemberRoute
from tests.studio.conftest import made_clip
from tests.studio.web.conftest import GOOD, Running, Visitor
from tests.studio.web.filling import Stock
from tests.studio.web.test_access import ROUTES

SHARED = {"set_id", "version_id", "name", "language"}
"""Places in paths for what belongs to all of a studio."""
OWN = {"clip_id", "recording_id", "prediction_id", "login_id"}
"""Places for what belongs to one person."""
EXCEPT = {"/jobs/{job_id}", "/api/jobs/{job_id}"}
"""All members may see how a training goes; who may cancel one is tried below."""
FIELDS = {"label": "idle", "truth": "idle", "sure": "yes"}
VIDEO = b"\x1aE\xdf\xa3 a video"
BODIES: list[tuple[dict[str, str], Any]] = [
    ({}, FIELDS),
    ({"Content-Type": "application/json"}, json.dumps(FIELDS)),
    ({"Content-Type": "video/webm"}, VIDEO),
]
"""Of each kind that a route may ask for."""


@dataclass(frozen=True)
class Owned:
    """What belongs to Boris, by its place in paths; and who else is there."""

    of_boris: Mapping[str, str]
    clips: Clips
    clara: Visitor
    boris: Visitor

    def state(self) -> object:
        """Return all that Clara might have changed."""
        clip_id = self.of_boris["clip_id"]
        video = self.clips.video(2, clip_id)
        return self.clips.get(2, clip_id), video, self.boris.get("/account").status_code


@pytest.fixture
def owned(studio: Running, small_bundle: Path) -> Owned:
    boris, clara = studio.member("Boris"), studio.member("Clara")
    stock = Stock(studio)
    owner = stock.set()
    recording = stock.clips.begin_recording(2, owner.id, video_agreed=True)
    kept = stock.clips.add(made_clip(), owner.id, 2, recording_id=recording, idle=True, video=VIDEO)
    version = stock.version(owner, small_bundle)
    (said,) = Predictions(studio.database, studio.files).add([Said(1_000, "began", version.id, "wave", 0.6, 9.0, 2)])
    job = stock.jobs.enqueue("train", owner.id, created_by=2)
    login = next(one.id for one in studio.accounts.logins(2))
    places = {"clip_id": kept.id, "recording_id": recording, "prediction_id": said, "login_id": login, "job_id": job}
    return Owned({name: str(value) for name, value in places.items()}, stock.clips, clara, boris)


def places(route: APIRoute) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", route.path))


def test_it_is_known_of_every_place_in_a_path_whose_it_is() -> None:
    found = set().union(*(places(route) for route in ROUTES if type(route) is MemberRoute))
    assert found <= SHARED | OWN | {"job_id"}


def test_whatever_a_member_asks_of_what_is_anothers_is_not_there(owned: Owned) -> None:
    tried, before = [], owned.state()
    for route in ROUTES:
        if type(route) is not MemberRoute or not places(route) - SHARED or route.path in EXCEPT:
            continue
        path = re.sub(r"\{(\w+)\}", lambda found: owned.of_boris[found[1]], route.path)
        for method in sorted(route.methods or ()):
            head = {"X-CSRF-Token": owned.clara.token, "Accept": "application/json"}
            answers = [owned.clara.ask(method, path, headers={**head, **kind}, data=body) for kind, body in BODIES]
            codes = {answer.status_code for answer in answers}
            assert codes <= {403, 404, 422}, (method, path, codes)  # 422: it cannot be read as it came
            assert codes & {403, 404}, (method, path, codes)
            assert not any("Boris" in answer.text for answer in answers)
            tried.append(path)
    assert len(tried) >= 10
    assert owned.state() == before


def test_deleting_several_leaves_those_of_others_alone(owned: Owned) -> None:
    before, clip_id = owned.state(), owned.of_boris["clip_id"]
    fields = {f"clip-{clip_id}": "on", "clip": clip_id, "sure": "yes"}
    owned.clara.get("/clips")
    owned.clara.post("/clips/delete", fields)
    assert owned.state() == before


def test_lists_and_parcels_have_nothing_of_others(owned: Owned) -> None:
    for path in ("/clips", "/clips.zip", "/api/predictions", "/account", "/"):
        content = owned.clara.get(path).content
        assert owned.of_boris["clip_id"].encode() not in content
        assert b"Boris" not in content


def test_the_owner_reaches_all_of_it(owned: Owned) -> None:
    clip_id = owned.of_boris["clip_id"]
    assert owned.boris.get(f"/clips/{clip_id}").status_code == 200
    assert owned.boris.get(f"/clips/{clip_id}/video").content == VIDEO
    assert owned.boris.get(f"/api/clips/{clip_id}/points").status_code == 200
    assert owned.boris.get("/clips").text.count(clip_id) > 0


def test_a_training_is_cancelled_by_who_asked_for_it_alone(studio: Running, owned: Owned) -> None:
    path = f"/jobs/{owned.of_boris['job_id']}/cancel"
    owned.clara.get("/account")
    assert owned.clara.post(path).status_code in (403, 404)
    owned.boris.get("/account")
    assert owned.boris.post(path).status_code == 303


def test_who_has_left_is_gone_from_what_others_see(studio: Running, owned: Owned) -> None:
    studio.accounts.delete(2, GOOD)
    clip_id = owned.of_boris["clip_id"]
    assert owned.boris.get(f"/clips/{clip_id}").status_code == 303
    ada = studio.visitor()
    ada.log_in("Ada")
    for path in ("/review", "/figures", "/jobs", "/members", "/models"):
        page = ada.get(path)
        assert page.status_code == 200
        assert "Boris" not in page.text, path
        assert clip_id not in page.text, path
