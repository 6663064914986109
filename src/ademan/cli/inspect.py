"""`ademan inspect`."""

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from ademan.cli.terminal import Json, out, plain, print_json, print_table, progress, warn
from ademan.datasets import Dataset
from ademan.datasets.audit import Audit, audit
from ademan.errors import require

_SHOWN = 5


def inspect(
    dataset: Path,
    /,
    *,
    leak: Annotated[bool, Parameter(negative=())] = False,
    group: Literal["subject", "session", "source"] | None = None,
    json: Json = False,
) -> None:
    """Look a dataset over: counts, lengths, frame rates, missing points, copies, and what to beware of.

    Args:
        dataset: file.
        leak: train a quick fixed baseline under a random and under a group split, and tell by how much the random
            one flatters.
        group: what the group split of --leak keeps together; by default subjects, or else sessions.
        json: print one JSON object.
    """
    with Dataset(dataset) as opened, progress("looking") as show:
        found = audit(opened, show)
        leaked = _leak(opened, group) if leak else None
    if json:
        told: dict[str, Any] = found.to_json() | ({"leak": leaked.to_json()} if leaked else {})
        print_json(told)
        return
    _print(found)
    if leaked:
        out.print(f"\n{plain(leaked)}")


def _leak(dataset: Dataset, group: Any) -> Any:
    require("sklearn", feature="The leak probe", extra="train")
    from ademan.evaluation.leak import leak

    return leak(dataset, group)


def _print(found: Audit) -> None:
    out.print(
        f"{found.clips:,} clips of {len(found.labels)} labels, {len(found.subjects) or 'no known'} subjects, "
        f"{len(found.sessions) or 'no known'} sessions: {plain(found.path)}"
    )
    if found.copies:
        out.print(f"and {found.copies:,} copies, which train with their originals and are in no other part")
    _print_lengths(found)
    _print_missing(found)
    for name, split in found.splits.items():
        counts = ", ".join(f"{part} {count}" for part, count in split.clips.items())
        out.print(f"official:{plain(name)}  {plain(counts)}")
    _print_duplicates(found)
    for warning in found.warnings:
        warn(warning)


def _print_lengths(found: Audit) -> None:
    figures = [
        ("frames", found.length_frames, 1, 0),
        ("seconds", found.duration_ms, 1000, 2),
        ("frames a second", found.fps, 1, 1),
    ]
    rows = [
        (name, *(f"{value / unit:.{digits}f}" for value in (known.minimum, known.median, known.maximum)))
        for name, known, unit, digits in figures
        if known
    ]
    print_table(("", "least", "median", "most"), rows)


def _print_missing(found: Audit) -> None:
    missing = found.missing
    parts = ", ".join(f"{part} {share:.1%}" for part, share in missing.by_part.items())
    out.print(
        f"points not seen: {missing.share:.1%} ({plain(parts)}); longest gap {missing.longest_gap_ms / 1000:.2f} s"
    )
    rows = [(label, count, f"{missing.by_label.get(label, 0):.1%}") for label, count in found.labels.items()]
    print_table(("label", "clips", "points not seen"), rows)


def _print_duplicates(found: Audit) -> None:
    pairs = found.duplicates
    if not pairs.count:
        out.print("no two clips of different labels or groups are nearly the same")
        return
    kinds = ", ".join(f"{count} by {kind}" for kind, count in pairs.by_apart.items())
    out.print(f"{pairs.count} pairs of clips are nearly the same, and apart: {plain(kinds)}")
    for pair in pairs.pairs[:_SHOWN]:
        out.print(f"  {plain(' = '.join(pair.ids))}  ({plain(', '.join(pair.apart))})")
