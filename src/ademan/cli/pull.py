"""`ademan pull`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ademan.cli.terminal import out, plain, progress, warn
from ademan.storage import Pulled
from ademan.storage import pull as fetch

_MB = 1_000_000
_PROVEN = {"bundle": "bundle verified", "dataset": "dataset opened and checked", "file": ""}


def pull(
    url: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    endpoint_url: str = "",
    overwrite: bool = False,
) -> None:
    """Fetch a dataset, a bundle or another file from a bucket; it appears whole and proven, or not at all.

    A pull that was cut short goes on when the same command is given again.

    Args:
        url: s3://BUCKET/PREFIX/NAME.
        output: file; or, for a bundle, a folder, unless it ends in .zip.
        endpoint_url: of a server other than Amazon's, as http://localhost:9000; AWS_ENDPOINT_URL says it, too.
        overwrite: replace what is there.
    """
    try:
        with progress("fetching (MB)") as show:
            done = fetch(
                url,
                output,
                overwrite=overwrite,
                endpoint_url=endpoint_url,
                on_progress=lambda there, total: show(there // _MB, total and total // _MB),
            )
    except KeyboardInterrupt:
        warn(f"what was fetched is kept in a hidden file beside {output}; the same command goes on from there.")
        raise
    _print(done)


def _print(done: Pulled) -> None:
    if done.there:
        out.print(f"{plain(done.path)} is what {plain(done.url)} holds; nothing was fetched")
        return
    before = done.size - done.fetched
    again = f", {before / _MB:.1f} MB of it by the pull before" if before > 0 else ""
    proof = "SHA-256 proven" if done.sha256 else ""
    proven = ", ".join(filter(None, (proof, _PROVEN[done.kind])))
    out.print(f"{plain(done.path)}: {done.size / _MB:.1f} MB fetched{again}{'; ' if proven else ''}{proven}")
    if not done.sha256:
        warn(f"{done.url} was not put there by `ademan push`: no SHA-256 is noted that could prove it")
