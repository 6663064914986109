"""Retraining: from the accepted clips of a set to a new version of its model, which goes live only if it is better.

material.py   which clips, and who is kept for the test       task.py   the training, in a process of its own
gate.py       whether the new model may go live               child.py  that process, seen from here
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ademan.files import write_json
from ademan.studio.config import StudioConfig
from ademan.studio.data import Database, StudioError
from ademan.studio.data.drift import fill_missing, statistics_of
from ademan.studio.data.files import FileStore, open_files
from ademan.studio.data.jobs import Held
from ademan.studio.data.models import Models, VersionInfo
from ademan.studio.data.presence import attend
from ademan.studio.data.settings import Settings
from ademan.studio.news import News
from ademan.studio.work.child import run_task
from ademan.studio.work.folder import BUNDLE, CLIPS, LIVE, PLAN, RUN, Task
from ademan.studio.work.gate import Decision, Gate, Judged, Reason, decide
from ademan.studio.work.material import Material, gather, write_dataset
from ademan.studio.work.options import chosen_gate, chosen_recipe
from ademan.studio.work.pulse import Pulse

_GATHERED, _JUDGED = 0.04, 0.98  # shares of a job that are over then


@dataclass(frozen=True)
class Workshop:
    """Where a worker works.

    Args:
        database: of the studio.
        files: of the studio.
        scratch: folder for what is needed during a job.
        news: tell other processes what has changed.
        leave: called when no more is worked here.
    """

    database: Database
    files: FileStore
    scratch: Path
    news: News = field(default_factory=News)
    leave: Callable[[], None] = lambda: None

    @classmethod
    def open(cls, config: StudioConfig) -> "Workshop":
        """Return that of a studio, whose database is brought up to date.

        Raises:
            StudioError: an address is none, or the database cannot be used.
        """
        database = Database(config.database_url)
        leave = attend(database)
        database.upgrade()
        news = News(config.redis_url, database.key)
        return cls(database, open_files(config), config.folder / "work", news, leave)

    @property
    def models(self) -> Models:
        """The versions of all models."""
        return Models(self.database, self.files, self.news.tell)

    def close(self) -> None:
        """Let go of the database, and of Redis."""
        self.news.close()
        self.database.close()
        self.leave()

    def folder_of(self, job_id: int) -> Path:
        """Return the folder of a job, with one of each attempt in it."""
        return self.scratch / f"job-{job_id}"

    def folders(self) -> Iterator[tuple[int, Path]]:
        """Yield the folders that are there, and of which jobs they are."""
        for folder in self.scratch.glob("job-*"):
            number = folder.name.removeprefix("job-")
            if number.isdecimal():
                yield int(number), folder


@dataclass(frozen=True)
class Outcome:
    """What became of a job that was done.

    Args:
        result: to be kept with it, as plain values.
        message: of one line.
    """

    result: dict[str, Any]
    message: str


def retrain(workshop: Workshop, held: Held, pulse: Pulse) -> Outcome:
    """Train a new version of a set's model, judge it beside the live one, and let it go live if it passes the gate.

    The result holds `version` and `model_id`, `new` and `old` (confusion matrix, accuracy, recall by class; old is None
    without one that can be compared) on the same clips, `old_id`, `decision` (verdict, reasons), `split` (who was kept
    for the test), `gate`, `recipe`, `told` (what a reader should know), `seconds` and `weights`.

    Args:
        workshop: where.
        held: the job.
        pulse: of the job.

    Raises:
        Stopped: it is to end.
        AdemanError: why there is no new version.
    """
    published = next((v for v in workshop.models.all(held.set_id) if v.job_id == held.id), None)
    if published is not None:  # an earlier attempt came so far, and died before it could say so
        return _go_live(workshop, published)
    settings = Settings(workshop.database)
    gate, recipe = chosen_gate(settings), chosen_recipe(settings, held.params).to_json()
    material = gather(workshop.database, workshop.files, held.set_id)
    live = workshop.models.live(held.set_id)
    folder = _prepare(workshop, held, material, recipe, live, pulse)
    for line in material.in_words():
        pulse.tell(line, _GATHERED)
    found = run_task(
        folder, pulse.check, lambda line, share: pulse.tell(line, _GATHERED + share * (_JUDGED - _GATHERED))
    )
    result = _result(material, gate, recipe, live, found)
    pulse.check()
    pulse.beat()  # the job may be another's by now, whatever the thread of the pulse has heard
    pulse.check()
    return _go_live(workshop, _keep(workshop, held, folder, material, result))


def _prepare(
    workshop: Workshop, held: Held, material: Material, recipe: dict[str, Any], live: VersionInfo | None, pulse: Pulse
) -> Path:
    """Return a folder with the task and all that it needs; what an earlier attempt has reached is taken over."""
    folder = workshop.folder_of(held.id) / f"attempt-{held.attempt}-{held.worker}"
    shutil.rmtree(folder, ignore_errors=True)
    plan = {"clips": material.digest, "recipe": recipe}
    if any(_take_over(before, folder, plan) for before in _earlier(folder)):
        pulse.tell("Going on where an earlier attempt was stopped.", _GATHERED)
    else:
        pulse.tell("Gathering the clips.", 0.0)
        folder.mkdir(parents=True)
        write_dataset(folder / CLIPS, material, workshop.database, workshop.files, pulse.check, pulse.tell)
        write_json(folder / PLAN, plan)
    if live is not None:
        try:
            with workshop.models.bundle(live.id) as path:
                shutil.copyfile(path, folder / LIVE)
        except StudioError as error:
            if error.code == "unavailable":
                raise
            pulse.tell(f"The live model cannot be compared: {error}")
    Task(recipe, material.gestures.idle).write(folder)
    return folder


def _earlier(folder: Path) -> list[Path]:
    """Return the folders of other attempts, the last one first."""
    others = [path for path in folder.parent.glob("attempt-*") if path != folder]
    return sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)


def _take_over(before: Path, folder: Path, plan: dict[str, Any]) -> bool:
    """Copy what an earlier attempt left, if it was at the very same; it may be at it still, so nothing is moved."""
    try:
        if json.loads((before / PLAN).read_text(encoding="utf-8")) != plan:
            return False
        folder.mkdir(parents=True)
        shutil.copyfile(before / CLIPS, folder / CLIPS)
        if (before / RUN / "config.json").is_file():
            shutil.copytree(before / RUN, folder / RUN, ignore=shutil.ignore_patterns(".*", "tensorboard"))
        write_json(folder / PLAN, plan)
    except (OSError, ValueError, shutil.Error):
        shutil.rmtree(folder, ignore_errors=True)
        return False
    return True


def _result(
    material: Material, gate: Gate, recipe: dict[str, Any], live: VersionInfo | None, found: dict[str, Any]
) -> dict[str, Any]:
    """Return what the version's scores and the job's result have in common; see `retrain`."""
    old = Judged.from_json(found["old"]) if found["old"] else None
    new = Judged.from_json(found["new"])
    if live is not None and old is None:
        decision = Decision("candidate", (Reason("uncompared", {}),))
    else:
        decision = decide(gate, old, new, found["old_labels"])
    return {
        "new": found["new"],
        "old": found["old"],
        "old_id": live.id if live else None,
        "old_version": live.number if live else None,
        "decision": decision.to_json(),
        "split": material.held.to_json(),
        "gate": asdict(gate),
        "recipe": recipe,
        "told": list(dict.fromkeys([*material.held.told, *found["told"]])),
        "seconds": found["seconds"],
        "weights": found["weights"],
    }


def _keep(workshop: Workshop, held: Held, folder: Path, material: Material, result: dict[str, Any]) -> VersionInfo:
    refused = result["decision"]["verdict"] == "refused"
    fill_missing(workshop.database, workshop.files, held.set_id)
    statistics = statistics_of(workshop.database, material.held.train)
    return workshop.models.add(
        held.set_id,
        folder / BUNDLE,
        scores=result,
        split=result["split"],
        clips={**material.told(), **statistics},
        trained_by=held.created_by,
        job_id=held.id,
        state="refused" if refused else "candidate",
    )


def _go_live(workshop: Workshop, version: VersionInfo) -> Outcome:
    """Promote a version if that was decided, and nobody has made another one live since it was compared."""
    result = {**version.scores, "version": version.number, "model_id": version.id}
    decision = result["decision"]
    if decision["verdict"] == "promoted" and version.state == "candidate":
        try:
            workshop.models.promote(version.id, expected=version.scores["old_id"])
        except StudioError as error:
            if error.code != "taken":
                raise
            live = workshop.models.live(version.set_id)
            why = Reason("changed", {"number": live.number if live else 0})
            decision = {
                "verdict": "candidate",
                "reasons": [str(why), *decision["reasons"]],
                "why": [why.to_json(), *decision.get("why", [])],
            }
    words = {"promoted": "is live", "refused": "was refused", "candidate": "was kept as a candidate"}
    message = f"Version {version.number} {words[decision['verdict']]}: {decision['reasons'][0]}"
    return Outcome({**result, "decision": decision}, message)
