"""The versions of a set's model: kept, promoted, rolled back, compared. At most one of a set is live."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ademan.bundle import read_bundle
from ademan.errors import AdemanError
from ademan.files import sha256
from ademan.studio.data.database import Database, now_ms
from ademan.studio.data.errors import StudioError
from ademan.studio.data.files import FileStore, new_key, put_for_rows
from ademan.studio.data.gestures import set_of
from ademan.studio.data.tables import MODEL_STATES, GestureSet, ModelVersion

Unchecked = Literal["unchecked"]
"""Whoever asks does not mind which version is live."""
_NO_VERSION = "This version is not there, or no longer."


@dataclass(frozen=True)
class VersionInfo:
    """A version of a set's model.

    Args:
        id: never used again.
        set_id: of the set.
        number: 1, 2, ... within the set.
        created_ms: when it was kept.
        trained_by: who asked for it; None for a schedule, or somebody who has left.
        job_id: of the job that made it.
        sha256: of the bundle's file.
        manifest: of the bundle, as JSON.
        scores: of it and of the one that was live, on the same people.
        split: who was learnt from, and who was kept for the test.
        clips: counts and digest of what it learnt from.
        state: 'candidate', 'live', 'retired' or 'refused'.
        promoted_ms: when it was last made live; None if never, or if it was rolled back since.
        promoted_by: by whom; None for the worker's gate.
    """

    id: int
    set_id: int
    number: int
    created_ms: int
    trained_by: int | None
    job_id: int | None
    sha256: str
    manifest: Mapping[str, Any]
    scores: Mapping[str, Any]
    split: Mapping[str, Any]
    clips: Mapping[str, Any]
    state: str
    promoted_ms: int | None
    promoted_by: int | None

    @property
    def labels(self) -> tuple[str, ...]:
        """What it tells apart."""
        return tuple(self.manifest.get("labels", ()))


@dataclass(frozen=True)
class Comparison:
    """How two versions differ.

    Args:
        old: one of them.
        new: the other.
        added: labels that only the new one has.
        removed: labels that only the old one has.
        clips: for each label, how many clips the old one and the new one learnt from.
        same_clips: whether both learnt from the very same clips.
        scores: for each figure that both have, that of the old and that of the new one.
        same_people: whether these figures are of the same held-out clips, so that they can be compared.
    """

    old: VersionInfo
    new: VersionInfo
    added: tuple[str, ...]
    removed: tuple[str, ...]
    clips: Mapping[str, tuple[int, int]]
    same_clips: bool
    scores: Mapping[str, tuple[float, float]]
    same_people: bool


class Models:
    """The models of a studio. Who may do what is for whoever calls to know.

    Args:
        database: of the studio.
        files: where the bundles are.
        tell: called with models/<set id> when another version is live, or none.
    """

    def __init__(self, database: Database, files: FileStore, tell: Callable[[str], None] = lambda _: None) -> None:
        self._database, self._files, self._tell = database, files, tell

    def add(
        self,
        set_id: int,
        bundle: Path,
        *,
        scores: Mapping[str, Any] | None = None,
        split: Mapping[str, Any] | None = None,
        clips: Mapping[str, Any] | None = None,
        trained_by: int | None = None,
        job_id: int | None = None,
        state: str = "candidate",
    ) -> VersionInfo:
        """Keep a bundle as the next version of a set's model.

        Args:
            set_id: of the set.
            bundle: folder or .zip; its checksums are proven.
            scores: of it and of the one that is live, on the same held-out people; JSON.
            split: who was learnt from, and who not; JSON.
            clips: what it learnt from; `Exported.to_json`.
            trained_by: who asked for it.
            job_id: of the job.
            state: 'candidate' or 'refused'; `promote` makes it live.

        Raises:
            StudioError: 'gone', there is no such set; 'bad', the bundle is unsound, or follows other points than the
                set; 'unavailable'.
        """
        if state not in ("candidate", "refused"):
            raise StudioError("bad", f"A new version is a candidate or refused, not {state!a:.40}.")
        with self._database.reading() as session:
            owner = set_of(session, set_id)
        content, digest, manifest = _read(bundle)
        if manifest["skeleton"]["name"] != owner.skeleton.name:
            found = manifest["skeleton"]["name"]
            raise StudioError(
                "bad", f"The bundle follows '{found}'; the set '{owner.name}' has '{owner.skeleton.name}'."
            )
        key = new_key("bundles", ".zip")
        row = ModelVersion(
            set_id=set_id, created_ms=now_ms(), trained_by=trained_by, job_id=job_id, bundle_key=key, sha256=digest,
            manifest=manifest, scores=dict(scores or {}), split=dict(split or {}), clips=dict(clips or {}), state=state,
        )  # fmt: skip
        with put_for_rows(self._files, {key: content}), self._database.writing(_lock(set_id)) as session:
            last = session.scalar(select(func.max(ModelVersion.number)).where(ModelVersion.set_id == set_id))
            row.number = (last or 0) + 1
            session.add(row)
            session.flush()
            return _info(row)

    def all(self, set_id: int) -> list[VersionInfo]:
        """Return the versions of a set's model, the newest first."""
        asked = select(ModelVersion).where(ModelVersion.set_id == set_id).order_by(ModelVersion.number.desc())
        with self._database.reading() as session:
            return [_info(row) for row in session.scalars(asked)]

    def get(self, version_id: int) -> VersionInfo:
        """Return a version.

        Raises:
            StudioError: 'gone', there is none with this id.
        """
        with self._database.reading() as session:
            return _info(_row(session, version_id))

    def live(self, set_id: int) -> VersionInfo | None:
        """Return the version that is live; None if none is."""
        with self._database.reading() as session:
            row = _live(session, set_id)
            return _info(row) if row else None

    def live_of(self, set_ids: Collection[int]) -> dict[int, int | None]:
        """Return of each set that is still there the id of the version that is live; None where none is."""
        live = (ModelVersion.set_id == GestureSet.id) & (ModelVersion.state == "live")
        asked = select(GestureSet.id, ModelVersion.id).outerjoin(ModelVersion, live).where(GestureSet.id.in_(set_ids))
        with self._database.reading() as session:
            return {row[0]: row[1] for row in session.execute(asked)}

    @contextmanager
    def bundle(self, version_id: int) -> Iterator[Path]:
        """Give the path of a version's bundle, a .zip, to be read during the block.

        Raises:
            StudioError: 'gone', the version or its file; or the file is not what was kept.
        """
        with self._database.reading() as session:
            row = _row(session, version_id)
        with self._files.local(row.bundle_key) as path:
            if sha256(path) != row.sha256:
                raise StudioError("gone", f"The bundle of version {row.number} is damaged. Restore a backup.")
            yield path

    def promote(
        self, version_id: int, by: int | None = None, *, expected: int | Unchecked | None = "unchecked"
    ) -> VersionInfo:
        """Make a version live; the one that was is retired.

        Of several who do so at once, the last one has its way, unless they say what they expect.

        Args:
            version_id: of the version; one that is live stays so.
            by: who asks for it; None for the worker's gate.
            expected: id of the version that is live as far as whoever asks knows, None if none is.

        Raises:
            StudioError: 'gone', there is no such version; 'taken', another one is live than was expected.
        """
        with self._database.reading() as session:
            set_id = _row(session, version_id).set_id
        with self._database.writing(_lock(set_id)) as session:
            row = _row(session, version_id)
            if row.state != "live":
                _check_live(_live(session, set_id), expected)
                self._replace_live(session, row)
                row.promoted_ms, row.promoted_by = _after(session, set_id), by
            promoted = _info(row)
        self._tell(f"models/{set_id}")
        return promoted

    def before(self, set_id: int) -> VersionInfo | None:
        """Return the version to which `roll_back` would go; None if there is none."""
        with self._database.reading() as session:
            row = _before(session, set_id, _live(session, set_id))
            return _info(row) if row else None

    def roll_back(
        self, set_id: int, by: int | None = None, *, expected: int | Unchecked | None = "unchecked"
    ) -> VersionInfo:
        """Make the version live that was so before; done again, the one before that.

        Args:
            set_id: of the set.
            by: who asks for it.
            expected: as for `promote`.

        Raises:
            StudioError: 'gone', none was live before; 'taken', another one is live than was expected.
        """
        with self._database.writing(_lock(set_id)) as session:
            live = _live(session, set_id)
            _check_live(live, expected)
            row = _before(session, set_id, live)
            if row is None:
                raise StudioError("gone", "No other version was live before; there is nothing to go back to.")
            self._replace_live(session, row)  # its time of promotion stays: it says what was before it
            row.promoted_by = by
            if live is not None:
                live.promoted_ms = None  # nobody wants to come back to it by going back from a later one
            restored = _info(row)
        self._tell(f"models/{set_id}")
        return restored

    def set_state(self, version_id: int, state: str) -> None:
        """Make a version a candidate, retired or refused; if it was live, none is now.

        Raises:
            StudioError: 'gone', there is no such version; 'bad', the state is none of these.
        """
        if state not in MODEL_STATES or state == "live":
            raise StudioError("bad", f"{state!a:.40} is no state to be set; `promote` makes a version live.")
        with self._database.reading() as session:
            set_id = _row(session, version_id).set_id
        with self._database.writing(_lock(set_id)) as session:
            _row(session, version_id).state = state
        self._tell(f"models/{set_id}")

    def compare(self, old_id: int, new_id: int) -> Comparison:
        """Return how two versions differ.

        Raises:
            StudioError: 'gone', one of them is not there; 'bad', they are of two sets.
        """
        old, new = self.get(old_id), self.get(new_id)
        if old.set_id != new.set_id:
            raise StudioError("bad", "Only two versions of the same set can be compared.")
        counts = [version.clips.get("counts", {}) for version in (old, new)]
        names = dict.fromkeys((*old.labels, *new.labels))
        figures, same_people = _figures(old, new)
        return Comparison(
            old, new,
            tuple(name for name in new.labels if name not in old.labels),
            tuple(name for name in old.labels if name not in new.labels),
            {name: (int(counts[0].get(name, 0)), int(counts[1].get(name, 0))) for name in names},
            "digest" in old.clips and old.clips.get("digest") == new.clips.get("digest"),
            figures, same_people,
        )  # fmt: skip

    def _replace_live(self, session: Session, row: ModelVersion) -> None:
        live = _live(session, row.set_id)
        if live is not None:
            live.state = "retired"
            session.flush()  # first this one: the index bears no two, not even for a moment
        row.state = "live"
        session.flush()


def _lock(set_id: int) -> str:
    return f"models of set {set_id}"


def _row(session: Session, version_id: int) -> ModelVersion:
    row = session.get(ModelVersion, version_id)
    if row is None:
        raise StudioError("gone", _NO_VERSION)
    return row


def _live(session: Session, set_id: int) -> ModelVersion | None:
    return session.scalar(select(ModelVersion).where(ModelVersion.set_id == set_id, ModelVersion.state == "live"))


def _before(session: Session, set_id: int, live: ModelVersion | None) -> ModelVersion | None:
    """Return the version that was live before the one that is."""
    asked = select(ModelVersion).where(ModelVersion.set_id == set_id, ModelVersion.state == "retired")
    if live is not None and live.promoted_ms is not None:
        asked = asked.where(ModelVersion.promoted_ms < live.promoted_ms)
    asked = asked.where(ModelVersion.promoted_ms.is_not(None))
    return session.scalar(asked.order_by(ModelVersion.promoted_ms.desc()).limit(1))


def _check_live(live: ModelVersion | None, expected: int | Unchecked | None) -> None:
    if expected in ("unchecked", live.id if live else None):
        return
    now = f"version {live.number} is live" if live else "none is live"
    raise StudioError("taken", f"Somebody else changed the live model meanwhile: now {now}. Look again.")


def _after(session: Session, set_id: int) -> int:
    """Return the time, or a little more: promotions of a set are in one order even if clocks are not."""
    last = session.scalar(select(func.max(ModelVersion.promoted_ms)).where(ModelVersion.set_id == set_id))
    return max(now_ms(), (last or 0) + 1)


def _read(bundle: Path) -> tuple[bytes, str, dict[str, Any]]:
    """Return a bundle as one file, its SHA-256, and its manifest; its checksums are proven."""
    from ademan.storage.parcel import packed  # noqa: PLC0415 - it brings what runs networks, of which pages have no need

    try:
        with packed(bundle) as parcel:
            manifest = read_bundle(parcel.path).manifest
            return parcel.path.read_bytes(), parcel.sha256, manifest.to_json()
    except AdemanError as error:
        raise StudioError("bad", f"The bundle is not taken: {error}") from error


def _figures(old: VersionInfo, new: VersionInfo) -> tuple[dict[str, tuple[float, float]], bool]:
    """Return figures of two versions, and whether they are of the same held-out clips.

    The training of the new one may have judged the old one, on the same clips: these figures are the fair ones.
    """
    judged = new.scores.get("old")
    fair = isinstance(judged, Mapping) and new.scores.get("old_id") == old.id
    before = judged if fair and isinstance(judged, Mapping) else old.scores.get("new", {})
    after = new.scores.get("new", {})
    both = {
        name: (float(before[name]), float(after[name]))
        for name in after
        if isinstance(after[name], int | float) and isinstance(before.get(name), int | float)
    }
    return both, fair


def _info(row: ModelVersion) -> VersionInfo:
    return VersionInfo(
        row.id, row.set_id, row.number, row.created_ms, row.trained_by, row.job_id, row.sha256, row.manifest,
        row.scores, row.split, row.clips, row.state, row.promoted_ms, row.promoted_by,
    )  # fmt: skip
