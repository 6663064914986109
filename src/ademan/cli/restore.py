"""`ademan restore`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ademan.cli.terminal import out, plain, progress, warn
from ademan.errors import require

require("sqlalchemy", feature="The studio", extra="studio")

from ademan.studio.config import StudioConfig


def restore(file: Path, /, *, config: Annotated[StudioConfig, Parameter(name="*")] = StudioConfig()) -> None:
    """Bring a backup back into a studio that has nothing yet, and does not run; database and storage may be other ones.

    The file is proven whole before anything is written. Nothing is ever overwritten: `ademan studio --reset` empties a
    studio that has something. Everybody logs in anew.

    Args:
        file: that `ademan backup` wrote.
    """
    from ademan.cli.backup import in_words
    from ademan.studio.data import StudioError
    from ademan.studio.data.backup import restore as run

    try:
        with progress("Files") as told:
            done = run(file, config, told)
    except StudioError as error:
        if error.code == "taken" and "empty" in str(error):
            raise StudioError("taken", f"{error} Empty it first, or name another:  ademan studio --reset") from error
        raise
    out.print(f"Restored into {plain(config.data)}: {in_words(done)}.")
    if done.lost:
        warn(f"{len(done.lost)} files were lost when the backup was made; their clips go when the studio starts.")
