"""`ademan backup`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ademan.cli.terminal import err, out, plain, progress, warn
from ademan.errors import ConfigError, require

require("sqlalchemy", feature="The studio", extra="studio")

from ademan.studio.config import StudioConfig

if TYPE_CHECKING:
    from ademan.studio.data.backup import Backed


def backup(
    file: Path,
    /,
    *,
    config: Annotated[StudioConfig, Parameter(name="*")] = StudioConfig(),
    overwrite: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Write all of a studio into one file: accounts, clips, videos, models, settings, figures. It may run meanwhile.

    Passwords' hashes and people's clips are in it; only its owner can read it.

    Args:
        file: a .zip; it is there once it is whole.
        overwrite: replace the file without asking.
    """
    from ademan.studio.data.backup import backup as run

    if file.exists() and not overwrite:
        _ask(file)
    with progress("Files") as told:
        done = run(config, file, told)
    out.print(f"{plain(file)}, {file.stat().st_size / 1e6:.1f} MB: {in_words(done)}.")
    if done.lost:
        warn(f"{len(done.lost)} files were deleted while the backup was made; their clips are not in it.")


def in_words(done: "Backed") -> str:
    """Return what a backup holds."""
    rows = done.rows
    counts = (("people", "users"), ("gesture sets", "gesture_sets"), ("clips", "clips"), ("models", "model_versions"))
    return ", ".join(f"{rows.get(table, 0):,} {name}" for name, table in counts) + f"; {done.files:,} files"


def _ask(file: Path) -> None:
    if not sys.stdin.isatty():
        raise ConfigError(f"{file} is there already. Name another file, or replace it with --overwrite.")
    err.print(f"{plain(file)} is there already. Replace it? Type yes: ", end="")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise ConfigError("nothing was written.")
