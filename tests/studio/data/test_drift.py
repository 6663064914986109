"""Statistics of clips: measured when a clip comes, kept with a version, compared in the database."""

import json
from dataclasses import replace
from datetime import UTC, date, timedelta

import numpy as np
import pytest
from sqlalchemy import delete, select, update

from ademan.clip import Clip, times_at
from ademan.skeleton import skeleton
from ademan.studio.data import StudioError, now_ms
from ademan.studio.data.clip_stats import FEATURES, Measured, measure
from ademan.studio.data.days import Days, today
from ademan.studio.data.drift import KEY, Drifted, drifted, fill_missing, statistics_of
from ademan.studio.data.tables import ClipRow, ClipStats, ModelVersion
from tests.studio.conftest import Studio
from tests.studio.data.test_models import version_row

HANDS = skeleton("hands")


def right_hand(frames: int = 11, step: float = 0.0, scale: float = 1.0, fps: float = 20.0) -> Clip:
    """A right hand whose middle finger begins 0.2 from the wrist, and that goes to the right."""
    points = np.full((frames, len(HANDS), 3), np.nan, np.float32)
    points[:, 21:] = (0.5, 0.4, 0.0)
    points[:, HANDS.index("right_middle_mcp"), 1] -= 0.2 * scale
    points[..., 0] += step * np.arange(frames, dtype=np.float32)[:, None]
    return Clip(points, times_at(fps, frames), HANDS, image_wh=(640, 480))


def test_what_is_measured() -> None:
    measured = measure(right_hand(step=0.01))
    assert measured.seen == 0.5
    assert measured.size == pytest.approx(0.2)
    assert measured.speed == pytest.approx(0.01 * 20 / 0.2, rel=1e-4)
    assert (measured.x, measured.y) == pytest.approx((0.55, 0.4 - 0.2 / 21), abs=1e-5)
    assert measured.fps == pytest.approx(20)


def test_twice_as_near_is_twice_as_large_and_as_fast_for_its_size() -> None:
    near, far = measure(right_hand(step=0.02, scale=2.0)), measure(right_hand(step=0.01))
    assert near.size == pytest.approx(2 * (far.size or 0))
    assert near.speed == pytest.approx(far.speed)


def test_what_cannot_be_known_is_none() -> None:
    single = right_hand(frames=1)
    assert measure(single) == replace(measure(single), speed=None, fps=None)
    tip = np.full((3, 42, 3), np.nan, np.float32)
    tip[:, 8] = 0.5
    lonely = measure(Clip(tip, times_at(20, 3), HANDS))
    assert (lonely.size, lonely.speed) == (None, None)
    assert (lonely.x, lonely.y) == (0.5, 0.5)
    nothing = measure(Clip(np.full((3, 42, 3), np.nan, np.float32), times_at(20, 3), HANDS))
    assert nothing == Measured(0.0, None, None, None, None, pytest.approx(20))  # type: ignore[arg-type]


def test_a_point_that_comes_and_goes_has_not_jumped() -> None:
    clip = right_hand()
    points = clip.points.copy()
    points[5:, 21:, 0] += 0.3
    points[5] = np.nan
    assert measure(replace(clip, points=points)).speed == pytest.approx(0.0)


@pytest.fixture
def trained(studio: Studio) -> tuple[int, int, list[str]]:
    """A set with a version that learnt from 40 clips: the set, the version, the clips."""
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    rng = np.random.default_rng(0)
    ids = [studio.clips.add(a_clip(rng, 1.0), made.id, ana.id, idle=True).id for _ in range(40)]
    with studio.database.writing() as session:
        session.execute(update(ClipRow).values(created_ms=now_ms() - 10_000))
        row = version_row(made.id, 1)
        row.created_ms, row.clips = now_ms() - 5_000, statistics_of(studio.database, ids)
        session.add(row)
    return made.id, row.id, ids


def a_clip(rng: np.random.Generator, scale: float) -> Clip:
    return right_hand(step=float(rng.uniform(0.005, 0.01)), scale=scale * float(rng.uniform(0.9, 1.1)), frames=5)


def now_drifted(studio: Studio, version: int) -> Drifted:
    day = today(UTC, now_ms())
    found = drifted(studio.database, version, Days(day - timedelta(days=1), day))
    assert found is not None
    return found


def test_clips_that_are_nearer_than_those_that_were_learnt_from_are_seen(
    studio: Studio, trained: tuple[int, int, list[str]]
) -> None:
    set_id, version, _ = trained
    ana, rng = studio.accounts.log_in("Ana", "four words of mine").visitor.person, np.random.default_rng(1)
    assert now_drifted(studio, version).clips == 0
    assert {one.drift.change for one in now_drifted(studio, version).moved} == {None}
    for _ in range(30):
        studio.clips.add(a_clip(rng, 1.6), set_id, ana.id)
    excluded = studio.clips.add(a_clip(rng, 9.0), set_id, ana.id)
    studio.review.decide(ana.id, [excluded.id], "excluded")
    found = now_drifted(studio, version)
    assert (found.number, found.clips) == (1, 30)
    changes = {one.feature: one.drift.change for one in found.moved}
    assert set(changes) == set(FEATURES)
    assert changes["size"] == "large"
    assert (changes["seen"], changes["fps"]) == ("none", "none")
    sizes = next(one for one in found.moved if one.feature == "size")
    assert sizes.reference.mean == pytest.approx(0.2, abs=0.01)
    assert sizes.mean == pytest.approx(0.32, abs=0.01)
    with studio.database.reading() as session:
        values = session.scalars(select(ClipStats.size).join(ClipRow).where(ClipRow.state == "new")).all()
    later = [value for value in values if value is not None and value > 0.25]
    assert sum(sizes.counts) == len(later) == 30
    assert sizes.counts[-1] == 30


def test_what_a_version_keeps_is_plain(studio: Studio, trained: tuple[int, int, list[str]]) -> None:
    _, version, ids = trained
    kept = studio.models.get(version).clips
    assert json.loads(json.dumps(kept)) == kept
    assert set(kept[KEY]) == set(FEATURES)
    assert sum(kept[KEY]["size"]["counts"]) == 40
    assert statistics_of(studio.database, ids[:5]) == {KEY: {}}


def test_a_version_without_statistics_says_nothing(studio: Studio, trained: tuple[int, int, list[str]]) -> None:
    _, version, _ = trained
    with studio.database.writing() as session:
        session.execute(update(ModelVersion).values(clips={}))
    assert now_drifted(studio, version).moved == ()
    assert drifted(studio.database, 99, Days(date(2025, 1, 1), date(2025, 1, 2))) is None


def test_clips_from_before_they_were_measured_are_measured_later(
    studio: Studio, trained: tuple[int, int, list[str]]
) -> None:
    set_id, _, ids = trained
    with studio.database.reading() as session:
        before = {
            row.clip_id: {name: getattr(row, name) for name in FEATURES} for row in session.scalars(select(ClipStats))
        }
        lost = session.get_one(ClipRow, ids[0]).file_key
    with studio.database.writing() as session:
        session.execute(delete(ClipStats))
    studio.files.delete(lost)
    assert fill_missing(studio.database, studio.files, set_id) == 39
    assert fill_missing(studio.database, studio.files, set_id) == 0
    with studio.database.reading() as session:
        after = {
            row.clip_id: {name: getattr(row, name) for name in FEATURES} for row in session.scalars(select(ClipStats))
        }
    assert after == {clip: values for clip, values in before.items() if clip != ids[0]}


def test_storage_that_is_away_is_told(studio: Studio, trained: tuple[int, int, list[str]]) -> None:
    class Away:
        def get(self, key: str) -> bytes:
            raise StudioError("unavailable", f"the storage of {key} is away")

    with studio.database.writing() as session:
        session.execute(delete(ClipStats))
    with pytest.raises(StudioError, match="is away"):
        fill_missing(studio.database, Away(), trained[0])  # type: ignore[arg-type]


def test_statistics_go_with_their_clip(studio: Studio, trained: tuple[int, int, list[str]]) -> None:
    ana = studio.accounts.log_in("Ana", "four words of mine").visitor.person
    studio.clips.delete(ana.id, trained[2][:10])
    with studio.database.reading() as session:
        assert len(session.scalars(select(ClipStats)).all()) == 30
