"""Recordings of which is known what is shown when: intervals from a file, and isolated clips joined to a stream."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from ademan.clip import Clip, times_at
from ademan.errors import EvaluationError

COLUMNS = ("start_ms", "end_ms", "label")
SHORTEST_MS = 50.0
"""Of a gesture: two frames at 25 a second. What is shorter is most likely told in seconds."""
GAP_MS = 1500.0
"""Between two clips that are joined: long enough for a gesture to end and to be due again."""
_GAP_FPS = 25.0


@dataclass(frozen=True)
class LabelledInterval:
    """A gesture that was made in a recording; times as its frames have them, which in a video begin at 0."""

    label: str
    start_ms: float
    end_ms: float

    def __str__(self) -> str:
        return f"{self.label} ({self.start_ms:g} to {self.end_ms:g} ms)"


def read_intervals(path: Path, idle: str | None = None) -> list[LabelledInterval]:
    """Read what is shown in a recording: CSV with the columns start_ms, end_ms and label, its rows in any order.

    Args:
        path: of the file.
        idle: a label that means no gesture; its rows are passed over.

    Returns:
        The gestures in order of time.

    Raises:
        EvaluationError: it cannot be read, a column is missing, a time is no number, a gesture is shorter than
            SHORTEST_MS or has no label, or two overlap.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
            if missing:
                raise EvaluationError(
                    f"{path} has no column {', '.join(missing)}. Its first line must be: {','.join(COLUMNS)}"
                )
            found = [_interval(path, rows.line_num, row) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"{path} cannot be read: {error}.") from error
    found = sorted((one for one in found if one.label != idle), key=lambda one: one.start_ms)
    for one, other in pairwise(found):
        if other.start_ms < one.end_ms:
            raise EvaluationError(f"{path}: {one} and {other} overlap; expected one gesture at a time.")
    return found


def joined(
    clips: Sequence[Clip], rng: np.random.Generator, gap_ms: float = GAP_MS
) -> tuple[Clip, list[LabelledInterval]]:
    """Join isolated clips to one stream, in an order by chance, with gaps in which nobody is seen.

    It measures a model on gestures that nobody recorded as a stream. It flatters: clips are cut where a gesture begins
    and ends, and between them there are no idle hands.

    Args:
        clips: of one kind, one or more; those without a label are shown as no gesture.
        rng: the source of chance.
        gap_ms: before each clip and after the last, by half more or less.

    Returns:
        The stream, from 0 ms on, and what is shown in it.
    """
    points, times, shown, now_ms = [], [], [], 0.0
    for place in rng.permutation(len(clips)).tolist():
        clip = clips[place]
        gap = _gap(clip, now_ms, gap_ms * rng.uniform(0.5, 1.5))
        start_ms = float(gap.timestamps_ms[-1]) + 1000.0 / _GAP_FPS
        now_ms = start_ms + clip.duration_ms
        points += [gap.points, clip.points]
        times += [gap.timestamps_ms, clip.timestamps_ms - clip.timestamps_ms[0] + start_ms]
        if clip.label:
            shown.append(LabelledInterval(clip.label, start_ms, now_ms))
        now_ms += 1000.0 / _GAP_FPS
    end = _gap(clips[0], now_ms, gap_ms)
    all_points, all_times = np.concatenate([*points, end.points]), np.concatenate([*times, end.timestamps_ms])
    return replace(clips[0], points=all_points, timestamps_ms=all_times, id="joined clips", label=None), shown


def _gap(clip: Clip, start_ms: float, length_ms: float) -> Clip:
    """Return frames of the clip's kind in which nobody is seen."""
    times = start_ms + times_at(_GAP_FPS, max(1, round(length_ms * _GAP_FPS / 1000)))
    return replace(clip, points=np.full((len(times), *clip.points.shape[1:]), np.nan, np.float32), timestamps_ms=times)


def _interval(path: Path, line: int, row: dict[str, str | None]) -> LabelledInterval:
    start, end, label = (row[column] or "" for column in COLUMNS)
    try:
        start_ms, end_ms = float(start), float(end)
    except ValueError:
        raise EvaluationError(
            f"{path}, line {line}: start_ms and end_ms must be numbers, found '{start}' and '{end}'."
        ) from None
    if not 0 <= start_ms < end_ms < np.inf or not label.strip():
        raise EvaluationError(
            f"{path}, line {line}: expected 0 <= start_ms < end_ms and a label, found {start}, {end} and '{label}'."
        )
    if end_ms - start_ms < SHORTEST_MS:
        raise EvaluationError(
            f"{path}, line {line}: {label} lasts {end_ms - start_ms:g} ms, less than two frames. Times are "
            "milliseconds: are these seconds?"
        )
    return LabelledInterval(label.strip(), start_ms, end_ms)
