"""`ademan models`: the networks that find hands and bodies."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ademan.cli.terminal import Json, out, plain, print_json, print_table
from ademan.landmarks import model_files
from ademan.landmarks.model_files import MODELS, WHEEL

app = App(name="models", help="The networks that find hands and bodies: where they are kept, and how to fetch them.")


@app.command(name="list")
def list_models(*, json: Json = False) -> None:
    """List the networks: what they find, their size, and whether they are there.

    Args:
        json: print one JSON object.
    """
    found = [
        {
            "name": m.name,
            "finds": m.finds,
            "bytes": m.size,
            "state": m.state(),
            "sha256": m.sha256,
            "path": str(m.path),
        }
        for m in MODELS.values()
    ]
    if json:
        print_json({"folder": str(model_files.folder()), "from": WHEEL, "licence": "Apache-2.0", "models": found})
        return
    out.print(f"kept in {plain(model_files.folder())}; they come with {plain(WHEEL)}, under the Apache licence 2.0")
    rows = [(m["name"], m["finds"], f"{int(str(m['bytes'])) / 1e6:.1f} MB", m["state"]) for m in found]
    print_table(("network", "finds", "size", "state"), rows)


@app.command
def fetch(*, source: Annotated[Path | None, Parameter(name="--from")] = None) -> None:
    """Fetch the networks, prove their checksums, and keep them.

    Args:
        source: the package's file (.whl), or a folder with the .tflite files, where there is no network.
    """
    brought = model_files.fetch(source)
    out.print(f"{len(brought)} networks are in {plain(model_files.folder())}: {', '.join(m.name for m in brought)}")


__all__ = ["app"]
