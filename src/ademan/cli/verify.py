"""`ademan verify`."""

from pathlib import Path

from ademan.cli.terminal import Json, out, plain, print_json
from ademan.recognition import verify as check


def verify(bundle: Path, /, *, json: Json = False) -> None:
    """Check that a bundle is whole, unaltered, and answers as it did when exported.

    Args:
        bundle: folder, or .zip.
        json: print one JSON object.
    """
    found = check(bundle)
    if json:
        print_json(found)
        return
    out.print(
        f"[green]verified[/green]  {plain(bundle)}: {len(found['labels'])} labels, {found['golden_vectors']} golden "
        f"vectors, largest difference {found['largest_difference']:.1g} (allowed {found['tolerance']:g})"
    )
