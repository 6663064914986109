"""`ademan calibrate`."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ademan.cli.terminal import Json, out, plain, print_json, print_table, progress, warn
from ademan.clip import Clip
from ademan.recognition import Classifier, StreamConfig
from ademan.recognition.calibrate import Calibration, most_expected, write_calibrated
from ademan.recognition.calibrate import calibrate as find_thresholds
from ademan.recognition.sources import clips_of


def calibrate(
    bundle: Path,
    idle: str,
    /,
    *idles: str,
    per_hour: float = 1.0,
    gestures: str | None = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    stream: Annotated[StreamConfig, Parameter(name="*")] = StreamConfig(),
    json: Json = False,
) -> None:
    """Set a bundle's thresholds so that people who make no gesture cause few events.

    Args:
        bundle: folder, or .zip.
        idle: recording in which nobody makes a gesture: a video, a folder of videos, DATASET.h5 or DATASET.h5#CLIP.
        idles: more of them; the longer they are together, the more they prove.
        per_hour: false events that are allowed in an hour.
        gestures: DATASET.h5 or videos of gestures, to tell how many are still named.
        output: where the calibrated bundle is written; by default it replaces the bundle.
        json: print one JSON object.
    """
    classifier = Classifier(bundle)
    sources = (idle, *idles)
    recordings = chain.from_iterable(clips_of(source, classifier.manifest) for source in sources)
    shown = clips_of(gestures, classifier.manifest) if gestures else ()
    with progress("recordings") as show:
        idle_ones = _counted(recordings, show)
        found = find_thresholds(classifier, idle_ones, per_hour=per_hour, gestures=shown, config=stream)
    write_calibrated(classifier, found, output or bundle, sources)
    if json:
        print_json(found.to_json())
    else:
        _print(found, output or bundle)


def _counted(recordings: Iterable[Clip], show: Callable[[int, int | None], None]) -> Iterator[Clip]:
    for i, recording in enumerate(recordings):
        show(i, None)
        yield recording


def _print(found: Calibration, bundle: Path) -> None:
    rows = [
        (
            f"{one.accept:g}{' <' if one.accept == found.thresholds.accept else ''}",
            one.false_events,
            f"{one.per_hour:.1f}",
            "" if one.detected is None else f"{one.detected:.1%}",
        )
        for one in found.tried
    ]
    print_table(("threshold", "false events", "an hour", "gestures named"), rows)
    thresholds = found.thresholds
    out.print(
        f"threshold {thresholds.accept:g}, release {thresholds.release:g}: {_told(found.after)} in "
        f"{found.hours * 60:.1f} minutes of idling; {_told(found.before)} before: {plain(bundle)}"
    )
    out.print(f"with 95 % confidence there are fewer than {found.proven_per_hour:.2g} false events an hour")
    if not found.proven:
        warn(
            f"so short a recording cannot prove {found.per_hour:g} an hour: that takes "
            f"{most_expected(0) / found.per_hour:.1f} hours of idling or more, without a false event."
        )


def _told(events: dict[str, int]) -> str:
    labels = ", ".join(f"{count} {plain(label)}" for label, count in events.items())
    return f"{sum(events.values())} false events{f' ({labels})' if labels else ''}"
