"""Streams in which nobody makes a gesture of the set, made of clips, and the events that they cause all the same.

For want of hours of recordings of idle people, clips that show no gesture are joined, person by person. In between, the
points move on straight lines from where they were seen last to where they are seen next, as hands would: a jump could
be told from a gesture too easily. No clip comes twice, since that would prove nothing new.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ademan.clip import Clip, Points, Times
from ademan.datasets import Dataset
from ademan.datasets.table import Ints
from ademan.errors import ConfigError, EvaluationError
from ademan.evaluation.streams import StreamScores, judge_stream
from ademan.recognition import Classifier, StreamConfig
from ademan.recognition.calibrate import most_expected

MOVE_MS = 300.0
"""From one clip to the next: about what a hand takes from one place to another."""
LEAST_MINUTES = 1.0
"""Shorter streams say nothing: no event in a minute proves only that there are fewer than 180 an hour."""
IDLE_MINUTES = 60.0
"""Of streams, at most: no event in an hour proves that there are fewer than 3; it takes a minute or two to run."""
_ON_THE_WAY_MS = np.arange(40.0, MOVE_MS, 40.0)


@dataclass(frozen=True)
class FalseEvents:
    """What a recogniser said while nobody made a gesture of its set.

    Args:
        labels: events of each gesture, the most frequent first.
        hours: of streams.
        streams: how many there were, one for each person and file.
    """

    labels: dict[str, int]
    hours: float
    streams: int

    @property
    def count(self) -> int:
        """All of them."""
        return sum(self.labels.values())

    @property
    def per_hour(self) -> float:
        """Events in an hour."""
        return self.count / self.hours

    @property
    def per_hour_below(self) -> float:
        """What their true rate is below, with 95 % confidence (exact Poisson bound)."""
        return most_expected(self.count) / self.hours

    def to_json(self) -> dict[str, Any]:
        """Return counts and rates as plain values."""
        return {
            "events": self.count,
            "hours": self.hours,
            "streams": self.streams,
            "per_hour": self.per_hour,
            "per_hour_below": self.per_hour_below,
            "labels": self.labels,
        }


def by_person(dataset: Dataset, clips: Ints, rng: np.random.Generator) -> list[Iterator[Clip]]:
    """Return the clips of each person, or else of each session, in an order by chance; they are read when asked for.

    Who has the fewest frames comes first. Clips of which neither is known are taken for one person's.
    """
    table = dataset.table
    who = np.where(table.subjects[clips] != "", table.subjects[clips], table.sessions[clips])
    orders = [rng.permutation(clips[who == name]) for name in np.unique(who)]
    orders.sort(key=lambda order: int(table.lengths[order].sum()))
    return [map(dataset.__getitem__, order.tolist()) for order in orders]


def join(clips: Iterable[Clip], length_ms: float = np.inf) -> Clip:
    """Join clips to one stream, each at its own times, with a straight movement of MOVE_MS from one to the next.

    Frames at the ends of a clip in which nothing is seen are left out. A point that is not seen where a clip ends, or
    where the next one begins, is not seen on the way.

    Args:
        clips: of one kind; no more are taken than are needed.
        length_ms: the stream ends with the first frame that is so late, if there is one.

    Returns:
        The stream, from 0 ms on, without a label.

    Raises:
        EvaluationError: there is no clip in which anything is seen.
    """
    points: list[Points] = []
    times: list[Times] = []
    now_ms, part = 0.0, None
    for part in filter(None, map(_seen_part, clips)):
        if points:
            points.append(_movement(points[-1][-1], part.points[0]))
            times.append(now_ms + _ON_THE_WAY_MS)
            now_ms += MOVE_MS
        points.append(part.points)
        times.append(now_ms + part.timestamps_ms - part.timestamps_ms[0])
        now_ms += part.duration_ms
        if now_ms >= length_ms:
            break
    if part is None:
        raise EvaluationError("there is no clip to join to a stream, or nothing is seen in any.")
    times_ms = np.concatenate(times)
    kept = slice(np.searchsorted(times_ms, length_ms) + 1)
    return replace(
        part, points=np.concatenate(points)[kept], timestamps_ms=times_ms[kept], id="joined clips", label=None
    )


def _seen_part(clip: Clip) -> Clip | None:
    """Return a clip from the first frame in which anything is seen to the last; None without any."""
    seen = np.flatnonzero(clip.seen.any(axis=1))
    if not len(seen):
        return None
    part = slice(seen[0], seen[-1] + 1)
    return replace(clip, points=clip.points[part], timestamps_ms=clip.timestamps_ms[part])


def _movement(last: Points, first: Points) -> Points:
    """Return the frames (T, P, C) on the way from one (P, C) to another."""
    share = (_ON_THE_WAY_MS / MOVE_MS)[:, None, None]
    return np.asarray(last * (1 - share) + first * share, np.float32)


def judge_idle(
    classifier: Classifier,
    people: Sequence[Iterable[Clip]],
    *,
    minutes: float = IDLE_MINUTES,
    config: StreamConfig | None = None,
) -> FalseEvents | None:
    """Run a recogniser over streams in which nobody makes a gesture of its set.

    Args:
        classifier: a bundle.
        people: clips of each, none of which shows a gesture; each person's become one stream.
        minutes: of streams at most, LEAST_MINUTES or more; as long for each person, and what one of them does not fill
            is left to those who come later.
        config: of the recogniser; by default with the bundle's own thresholds.

    Returns:
        None if the clips make less than LEAST_MINUTES together.

    Raises:
        ConfigError: the minutes are fewer.
        ClipError: a clip is not of the kind that the bundle takes.
    """
    if not minutes >= LEAST_MINUTES:
        raise ConfigError(
            f"minutes of streams must be {LEAST_MINUTES:g} or more, found {minutes:g}: shorter ones say nothing."
        )
    scores = StreamScores({}, 0.0)
    for i, clips in enumerate(people):
        left_ms = 60_000 * (minutes - 60 * scores.idle_hours)
        stream = join(clips, left_ms / (len(people) - i))
        scores += judge_stream(classifier, stream, [], config=config)
    if scores.idle_hours * 60 < LEAST_MINUTES:
        return None
    false = sorted(((label, counts.false) for label, counts in scores.labels.items()), key=lambda pair: -pair[1])
    return FalseEvents(dict(false), scores.idle_hours, len(people))
