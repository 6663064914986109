"""`ademan worker`."""

from contextlib import closing
from importlib.util import find_spec
from typing import Annotated, Literal

from cyclopts import Parameter

from ademan.cli.terminal import err, plain
from ademan.errors import require

require("sqlalchemy", feature="The studio", extra="studio")
if find_spec("lightning") is None:  # it is imported where a training runs: a process of its own
    require("lightning", feature="Training", extra="train")

from ademan.studio.config import StudioConfig


def worker(
    *,
    config: Annotated[StudioConfig, Parameter(name="*")] = StudioConfig(),
    once: Annotated[bool, Parameter(negative=())] = False,
    look_s: float = 5.0,
    log: Literal["text", "json"] = "text",
) -> None:
    """Do the work of a studio that takes minutes: train its models, when somebody or its schedule asks for it.

    Several workers may run, on several machines that reach the same database and files. One that is stopped gives its
    job back; one that dies is noticed after half a minute, and another goes on.

    Args:
        once: end when no job is left.
        look_s: seconds after which to look for jobs that nothing woke this worker for; above zero.
        log: how the log is written on standard error: lines to read, or one JSON object a line.
    """
    from ademan.errors import ConfigError
    from ademan.server.logs import set_up_logs
    from ademan.studio.work.retrain import Workshop
    from ademan.studio.work.wakeups import HueyBell
    from ademan.studio.work.worker import Worker

    if not look_s > 0:
        raise ConfigError(f"--look-s must be above zero, found {look_s:g}.")
    set_up_logs(log)
    workshop = Workshop.open(config)
    found = Worker(workshop, HueyBell(config), look_s=look_s)
    found.end_on_signals()
    if not once:
        err.print(f"Waiting for jobs of {plain(workshop.database.name)}  (Ctrl-C ends it)")
    with closing(workshop):
        count = found.run(once=once)
    err.print(f"{count} jobs were taken." if count != 1 else "One job was taken.")
