"""`ademan retrain`."""

import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ademan.cli.terminal import err, out, plain, print_table, warn
from ademan.errors import ConfigError, require

require("sqlalchemy", feature="The studio", extra="studio")

from ademan.studio.config import StudioConfig

if TYPE_CHECKING:
    from ademan.studio.data.jobs import Jobs, JobView

_LOOK_S = 0.5
_UNHEARD_S = 15.0  # after which a job that nobody takes is worth a word


def retrain(
    set_name: str,
    /,
    *,
    config: Annotated[StudioConfig, Parameter(name="*")] = StudioConfig(),
    wait: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Ask for a new model of a gesture set of the studio; a worker trains it from the accepted clips.

    It goes live if it is better than the one that is, on people neither has learnt from.

    Args:
        set_name: name of the set.
        wait: tell how it goes, and end when it is done; Ctrl-C ends the telling, not the job.
    """
    from ademan.studio.data.jobs import Jobs
    from ademan.studio.work.retrain import Workshop
    from ademan.studio.work.wakeups import HueyBell

    bell, workshop = HueyBell(config), Workshop.open(config)
    with closing(bell), closing(workshop):
        jobs = Jobs(workshop.database, bell.ring, workshop.news.tell)
        asked = jobs.enqueue("train", _set_id(workshop, set_name))
        out.print(f"job {asked} is queued.")
        if not wait:
            return
        job = _follow(jobs, asked)
    if job.state != "done":
        err.print(f"ademan: the job {job.state}: {plain(job.message)}")
        sys.exit(1)
    _print_result(job.result or {})


def _set_id(workshop: Any, name: str) -> int:
    from ademan.studio.data.gestures import GestureSets
    from ademan.studio.data.names import name_key

    sets = GestureSets(workshop.database, workshop.files).all()
    for one in sets:
        if name_key(one.name) == name_key(name):
            return one.id
    there = ", ".join(f"'{one.name}'" for one in sets) or "none; make one in the studio:  ademan studio"
    raise ConfigError(f"there is no gesture set '{name}'. There are: {there}.")


def _follow(jobs: "Jobs", job_id: int) -> "JobView":
    """Print what a job tells until it is over; a studio that cannot be reached for a while is asked again."""
    from ademan.studio.data import StudioError

    last, begun_s, is_warned = 0, time.monotonic(), False
    while True:
        try:
            job = jobs.get(job_id)
            for line in jobs.lines(job_id, after=last):
                out.print(plain(line.text))
                last = line.id
        except StudioError as error:
            if error.code != "unavailable":
                raise
            time.sleep(_LOOK_S)
            continue
        if job.is_over:
            return job
        if job.state == "queued" and not is_warned and time.monotonic() - begun_s > _UNHEARD_S:
            warn("no worker has taken the job yet. Start one, here or elsewhere:  ademan worker")
            is_warned = True
        time.sleep(_LOOK_S)


def _print_result(result: dict[str, Any]) -> None:
    new, old = result["new"], result["old"] or {"accuracy": None, "recall": {}}
    rows = [("all", str(new["clips"]), _share(old["accuracy"]), _share(new["accuracy"]))]
    counts = {label: sum(row) for label, row in zip(new["labels"], new["confusion"], strict=True)}
    for label, recall in new["recall"].items():
        if counts[label]:
            rows.append((label, str(counts[label]), _share(old["recall"].get(label)), _share(recall)))
    print_table(("gesture", "test clips", "live before", "new"), rows)
    for line in (*result["told"], *result["decision"]["reasons"]):
        out.print(plain(line))


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
