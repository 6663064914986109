"""`ademan push`."""

from pathlib import Path

from ademan.cli.terminal import out, plain, progress, warn
from ademan.storage import Pushed
from ademan.storage import push as send

_MB = 1_000_000


def push(source: Path, url: str, /, *, endpoint_url: str = "", overwrite: bool = False) -> None:
    """Send a dataset, a bundle or another file into a bucket of S3, or of a server that speaks as it does.

    A push that was cut short goes on when the same command is given again.

    Args:
        source: DATASET.h5, a bundle (folder or .zip), or another file.
        url: s3://BUCKET/PREFIX/NAME.
        endpoint_url: of a server other than Amazon's, as http://localhost:9000; AWS_ENDPOINT_URL says it, too.
        overwrite: replace other content that is there.
    """
    try:
        with progress("sending (MB)") as show:
            done = send(
                source,
                url,
                overwrite=overwrite,
                endpoint_url=endpoint_url,
                on_progress=lambda through, total: show(through // _MB, total and total // _MB),
            )
    except KeyboardInterrupt:
        warn("the bucket keeps the parts that it has; the same command goes on from there.")
        raise
    _print(done)


def _print(done: Pushed) -> None:
    if done.there:
        out.print(f"{plain(done.url)} has this content already; nothing was sent")
    else:
        before = done.size - done.sent
        again = f", {before / _MB:.1f} MB of it by the push before" if before else ""
        out.print(f"{plain(done.url)}: {done.size / _MB:.1f} MB sent{again}; SHA-256 {done.sha256}")
    if done.left_out:
        warn(f"not sent, since they are no part of a bundle: {', '.join(done.left_out)}")
