"""Versions of a model: exactly one is live, whoever promotes what at the same time."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ademan.bundle import read_bundle
from ademan.studio.data import StudioError
from ademan.studio.data.files import new_key
from ademan.studio.data.tables import ModelVersion, User
from tests.studio.conftest import Studio, run_together


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(StudioError) as refused:
        call()
    return refused.value.code


@pytest.fixture
def set_id(studio: Studio) -> int:
    return studio.gesture_set(studio.person("Ana").id).id


def test_a_bundle_is_kept_numbered_and_given_out(studio: Studio, set_id: int, small_bundle: Path) -> None:
    first = studio.models.add(set_id, small_bundle, clips={"counts": {"a": 3}}, scores={"new": {"accuracy": 0.9}})
    second = studio.models.add(set_id, small_bundle, state="refused")
    assert (first.number, second.number) == (1, 2)
    assert (first.state, second.state) == ("candidate", "refused")
    assert first.labels == ("a", "b", "idle")
    assert first.sha256 == second.sha256
    assert [version.id for version in studio.models.all(set_id)] == [second.id, first.id]
    assert studio.models.get(first.id) == first
    with studio.models.bundle(first.id) as path:
        assert path.suffix == ".zip"
        assert read_bundle(path).manifest.labels == ("a", "b", "idle")
        assert studio.models.add(set_id, path).sha256 == first.sha256


def test_bundles_that_are_unsound_or_of_other_points_are_refused(
    studio: Studio, set_id: int, small_bundle: Path, tmp_path: Path
) -> None:
    altered = tmp_path / "altered"
    shutil.copytree(small_bundle, altered)
    manifest = json.loads((altered / "manifest.json").read_text())
    (altered / "manifest.json").write_text(json.dumps(manifest | {"fps": 1.0}))
    with pytest.raises(StudioError, match="The bundle is not taken"):
        studio.models.add(set_id, altered)
    for call in (
        lambda: studio.models.add(set_id, tmp_path / "none"),
        lambda: studio.models.add(set_id, small_bundle, state="live"),
    ):
        assert code_of(call) == "bad"
    assert code_of(lambda: studio.models.add(99, small_bundle)) == "gone"
    assert list(studio.files.all()) == []


def test_promoting_retires_the_one_that_was_live(studio: Studio, set_id: int, small_bundle: Path) -> None:
    assert studio.models.live(set_id) is None
    one, two = (studio.models.add(set_id, small_bundle) for _ in range(2))
    promoted = studio.models.promote(one.id, by=None)
    assert promoted.state == "live"
    assert studio.models.promote(one.id) == promoted
    studio.models.promote(two.id)
    assert [version.state for version in studio.models.all(set_id)] == ["live", "retired"]
    live = studio.models.live(set_id)
    assert live is not None
    assert live.id == two.id
    assert code_of(lambda: studio.models.promote(99)) == "gone"


def test_rolling_back_goes_to_the_one_before_and_then_to_the_one_before_that(
    studio: Studio, set_id: int, small_bundle: Path
) -> None:
    one, two, three, four = (studio.models.add(set_id, small_bundle).id for _ in range(4))
    for version in (one, three, two):
        studio.models.promote(version)
    assert studio.models.roll_back(set_id).id == three
    assert studio.models.roll_back(set_id).id == one
    with pytest.raises(StudioError, match="nothing to go back to") as refused:
        studio.models.roll_back(set_id)
    assert refused.value.code == "gone"
    studio.models.promote(four)
    assert studio.models.roll_back(set_id).id == one
    studio.models.promote(two)
    studio.models.set_state(two, "refused")
    assert studio.models.live(set_id) is None
    assert studio.models.roll_back(set_id).id == one
    assert code_of(lambda: studio.models.set_state(one, "live")) == "bad"


@settings(
    max_examples=15,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(st.integers(0, 4), max_size=12))
def test_rolling_back_undoes_promotions_one_by_one(studio: Studio, steps: list[int]) -> None:
    """Against a stack: a promotion puts its version on top, wherever it was before; rolling back drops the top."""
    if not studio.accounts.has_people():
        studio.person("Ana")
    made = studio.sets.add(_admin(studio), f"set {len(studio.sets.all())}")
    with studio.database.writing() as session:
        rows = [version_row(made.id, number) for number in range(4)]
        session.add_all(rows)
    versions = [row.id for row in rows]
    stack: list[int] = []
    for step in steps:
        if step < 4:
            if not stack or stack[-1] != versions[step]:
                stack = [version for version in stack if version != versions[step]] + [versions[step]]
            studio.models.promote(versions[step])
        elif len(stack) > 1:
            stack.pop()
            studio.models.roll_back(made.id)
        else:
            assert code_of(lambda: studio.models.roll_back(made.id)) == "gone"
        live = [version.id for version in studio.models.all(made.id) if version.state == "live"]
        assert live == stack[-1:]


def version_row(set_id: int, number: int) -> ModelVersion:
    return ModelVersion(
        set_id=set_id, number=number, created_ms=0, bundle_key=new_key("bundles", ".zip"), sha256="", manifest={},
        scores={}, split={}, clips={}, state="candidate",
    )  # fmt: skip


def _admin(studio: Studio) -> int:
    with studio.database.reading() as session:
        return session.scalars(select(User.id).order_by(User.id)).first() or 0


def test_processes_that_promote_at_once_leave_one_live(studio: Studio, set_id: int, small_bundle: Path) -> None:
    ids = [studio.models.add(set_id, small_bundle).id for _ in range(2)]
    url = studio.database.url.render_as_string(hide_password=False)
    code = (
        "from pathlib import Path\n"
        "from ademan.studio.data import Database\n"
        "from ademan.studio.data.files import FolderStore\n"
        "from ademan.studio.data.models import Models\n"
        "models = Models(Database(sys.argv[1]), FolderStore(Path('none')))\n"
        "GO\n"
        "for _ in range(15):\n"
        "    models.promote(int(sys.argv[2]))\n"
    )
    run_together(code, [[url, str(version)] for version in ids])
    with studio.database.reading() as session:
        states = session.scalars(select(ModelVersion.state)).all()
    assert sorted(states) == ["live", "retired"]


def test_the_database_itself_bears_no_two_live_versions(studio: Studio, set_id: int, small_bundle: Path) -> None:
    ids = [studio.models.add(set_id, small_bundle).id for _ in range(2)]
    with pytest.raises(StudioError) as refused, studio.database.writing() as session:
        for version in ids:
            session.get_one(ModelVersion, version).state = "live"
    assert refused.value.code == "taken"
    assert studio.models.live(set_id) is None


def test_a_bundle_that_was_altered_is_not_given_out(studio: Studio, set_id: int, small_bundle: Path) -> None:
    version = studio.models.add(set_id, small_bundle)
    key = next(iter(studio.files.all())).key
    studio.files.put(key, b"altered")
    with pytest.raises(StudioError, match="is damaged"), studio.models.bundle(version.id):
        pass
    studio.files.delete(key)
    with pytest.raises(StudioError, match="there is no file"), studio.models.bundle(version.id):
        pass
    assert studio.clips.check().bundles == (version.id,)


def test_two_versions_are_compared_on_the_same_people_if_the_new_one_was_judged_so(
    studio: Studio, set_id: int, small_bundle: Path
) -> None:
    counts = {"counts": {"a": 3, "b": 4}, "digest": "1"}
    old = studio.models.add(set_id, small_bundle, scores={"new": {"accuracy": 0.9, "macro_f1": 0.8}}, clips=counts)
    scores = {"old_id": old.id, "old": {"accuracy": 0.7}, "new": {"accuracy": 0.75, "macro_f1": 0.6, "per": [1]}}
    new = studio.models.add(set_id, small_bundle, scores=scores, clips={"counts": {"a": 5}, "digest": "2"})
    found = studio.models.compare(old.id, new.id)
    assert found.same_people
    assert found.scores == {"accuracy": (0.7, 0.75)}
    assert found.clips == {"a": (3, 5), "b": (4, 0), "idle": (0, 0)}
    assert (found.added, found.removed, found.same_clips) == ((), (), False)
    other = studio.models.add(set_id, small_bundle, scores={"new": {"accuracy": 0.5}}, clips=counts)
    loose = studio.models.compare(old.id, other.id)
    assert not loose.same_people
    assert loose.scores == {"accuracy": (0.9, 0.5)}
    assert loose.same_clips
    elsewhere = studio.gesture_set(_admin(studio), "Other")
    foreign = studio.models.add(elsewhere.id, small_bundle)
    assert code_of(lambda: studio.models.compare(old.id, foreign.id)) == "bad"


def test_a_set_that_follows_bodies_takes_no_bundle_for_hands(studio: Studio, small_bundle: Path) -> None:
    ana = studio.person("Ana")
    bodies = studio.sets.add(ana.id, "Bodies", "pose")
    with pytest.raises(StudioError, match="follows 'hands'; the set 'Bodies' has 'pose33'"):
        studio.models.add(bodies.id, small_bundle)
    assert list(studio.files.all()) == []


def test_a_promotion_is_refused_if_another_version_is_live_than_was_expected(
    studio: Studio, set_id: int, small_bundle: Path
) -> None:
    one, two, three = (studio.models.add(set_id, small_bundle).id for _ in range(3))
    assert studio.models.promote(one, expected=None).state == "live"
    with pytest.raises(StudioError, match="now version 1 is live") as refused:
        studio.models.promote(two, expected=None)
    assert refused.value.code == "taken"
    assert studio.models.promote(two, expected=one).state == "live"
    assert code_of(lambda: studio.models.promote(three, expected=one)) == "taken"
    assert studio.models.promote(two, expected=one).state == "live"  # what is wanted is so already
    assert code_of(lambda: studio.models.promote(99, expected=two)) == "gone"
    studio.models.set_state(two, "refused")
    with pytest.raises(StudioError, match="now none is live"):
        studio.models.promote(three, expected=two)
    assert studio.models.promote(three, expected=None).state == "live"


def test_rolling_back_is_refused_too_and_tells_beforehand_where_it_goes(
    studio: Studio, set_id: int, small_bundle: Path
) -> None:
    one, two = (studio.models.add(set_id, small_bundle).id for _ in range(2))
    assert studio.models.before(set_id) is None
    studio.models.promote(one)
    assert studio.models.before(set_id) is None
    studio.models.promote(two)
    before = studio.models.before(set_id)
    assert before is not None
    assert before.id == one
    assert code_of(lambda: studio.models.roll_back(set_id, expected=one)) == "taken"
    assert code_of(lambda: studio.models.roll_back(set_id, expected=None)) == "taken"
    assert studio.models.roll_back(set_id, expected=two).id == one


def test_of_processes_that_expect_the_same_one_has_its_way(studio: Studio, set_id: int, small_bundle: Path) -> None:
    live, *ids = (studio.models.add(set_id, small_bundle).id for _ in range(4))
    studio.models.promote(live)
    url = studio.database.url.render_as_string(hide_password=False)
    code = (
        "from pathlib import Path\n"
        "from ademan.studio.data import Database, StudioError\n"
        "from ademan.studio.data.files import FolderStore\n"
        "from ademan.studio.data.models import Models\n"
        "models = Models(Database(sys.argv[1]), FolderStore(Path('none')))\n"
        "GO\n"
        "try:\n"
        "    models.promote(int(sys.argv[2]), expected=int(sys.argv[3]))\n"
        "    print('promoted')\n"
        "except StudioError as error:\n"
        "    print(error.code)\n"
    )
    told = run_together(code, [[url, str(version), str(live)] for version in ids])
    assert sorted(line.strip() for line in told) == ["promoted", "taken", "taken"]


def test_what_is_live_of_several_sets_is_told_at_once(studio: Studio, small_bundle: Path) -> None:
    ada = studio.person("Ada")
    one, other = studio.gesture_set(ada.id), studio.gesture_set(ada.id, "Others")
    first, second = (studio.models.add(one.id, small_bundle) for _ in range(2))
    assert studio.models.live_of([one.id, other.id, 99]) == {one.id: None, other.id: None}
    studio.models.promote(first.id)
    studio.models.promote(second.id)
    assert studio.models.live_of([one.id, other.id]) == {one.id: second.id, other.id: None}
    assert studio.models.live_of([]) == {}
