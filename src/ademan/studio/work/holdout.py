"""Which clips of a set are kept for the test: those of whole people, who are then never learnt from.

With three people or more, one of every five is kept, and stays kept for ever. With fewer, whole recordings are, and
with a single recording, single clips; what such a test says of a new person is said with it.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from ademan.studio.data import StudioError

Kind = Literal["people", "recordings", "clips"]
MIN_CLIPS = 3
"""Clips of a gesture, below which it is left out; two gestures must have so many."""
_MIN_LEARNT = 2  # clips of a gesture that must be left to learn from
_MIN_PEOPLE, _EVERY = 3, 5
_SHARE = 1 / _EVERY  # of the clips, where recordings or clips are kept
_LARGEST_SHARE = 0.5  # of the clips that one person or recording may have to be kept
_KNOWN = "Earlier models have learnt from {} of this test, so they look better here than they are."


@dataclass(frozen=True)
class ClipFacts:
    """What the division needs to know of a clip; person and recording are None where not known."""

    id: str
    label: str
    person: int | None
    recording: int | None


@dataclass(frozen=True)
class Earlier:
    """What earlier versions of the set's model learnt from, and were tested on."""

    people_tested: frozenset[int] = frozenset()
    people_learnt: frozenset[int] = frozenset()
    recordings_tested: frozenset[int] = frozenset()
    recordings_learnt: frozenset[int] = frozenset()
    clips_tested: frozenset[str] = frozenset()
    clips_learnt: frozenset[str] = frozenset()

    @classmethod
    def of(cls, frozen: Iterable[int], splits: Iterable[Mapping[str, Any]]) -> "Earlier":
        """Return it from the frozen people and the `HoldOut.to_json` of earlier versions."""
        found: dict[str, set[Any]] = defaultdict(set)
        for split in splits:
            for name in (one.name for one in fields(cls) if one.name != "people_tested"):
                found[name].update(split.get(name, ()))
        return cls(people_tested=frozenset(frozen), **{name: frozenset(ids) for name, ids in found.items()})


@dataclass(frozen=True)
class HoldOut:
    """Clips divided.

    Args:
        kind: what was kept together.
        train: ids to learn from, validation included.
        val: ids to validate by, of `train`; None lets the training choose whole groups.
        test: ids of the test.
        people: all that are kept for the test, those without clips now left out.
        recordings: that are kept, if kind is recordings.
        people_learnt: whose clips are learnt from.
        recordings_learnt: of which clips are learnt from.
        labels: of the gestures that take part.
        told: what a reader of the result should know.
    """

    kind: Kind
    train: tuple[str, ...]
    val: tuple[str, ...] | None
    test: tuple[str, ...]
    people: tuple[int, ...]
    recordings: tuple[int, ...]
    people_learnt: tuple[int, ...]
    recordings_learnt: tuple[int, ...]
    labels: tuple[str, ...]
    told: tuple[str, ...] = field(default=())

    def parts(self) -> dict[str, tuple[str, ...]]:
        """Return the ids by part, each in one, as an official split has them."""
        if self.val is None:
            return {"train": self.train, "test": self.test}
        held = set(self.val)
        return {"train": tuple(i for i in self.train if i not in held), "val": self.val, "test": self.test}

    def to_json(self) -> dict[str, Any]:
        """Return what is kept with a version: plain values, from which `Earlier.of` reads."""
        return {
            "kind": self.kind,
            "people_tested": list(self.people),
            "recordings_tested": list(self.recordings),
            "recordings_learnt": list(self.recordings_learnt),
            "clips_tested": list(self.test) if self.kind == "clips" else [],
            "clips_learnt": list(self.train) if self.kind == "clips" else [],
            "people_learnt": list(self.people_learnt),
            "labels": list(self.labels),
            "clips": {"train": len(self.train), "test": len(self.test)},
            "told": list(self.told),
        }


def hold_out(clips: Sequence[ClipFacts], earlier: Earlier) -> HoldOut:
    """Divide the accepted clips of a set.

    Args:
        clips: all of them.
        earlier: what is bound already.

    Raises:
        StudioError: 'bad', there is too little to learn from; says what there is and what is needed.
    """
    _check_enough(clips)
    clips = sorted(clips, key=lambda clip: clip.id)
    told: list[str] = []
    people = _people(clips, earlier, told)
    if people:
        return _divided("people", clips, lambda clip: clip.person in people, people, told)
    free = [clip for clip in clips if clip.person not in earlier.people_tested]
    _check_enough(free)  # of people that are kept nothing is learnt, whatever the test is
    recordings = _recordings(free, earlier)
    if recordings:
        told.append(
            "Tested on whole recordings, not on whole people: there are too few. A new person will be harder than "
            "this test says."
        )
        if recordings & earlier.recordings_learnt:
            told.append(_KNOWN.format("recordings"))
        return _divided("recordings", free, lambda clip: clip.recording in recordings, recordings, told)
    told.append(
        "Tested on clips of the very recordings that were learnt from, since there is no other: the figures are better "
        "than what a new person will see. Record again, and let others record."
    )
    kept = _single_clips(free, earlier)
    if kept & earlier.clips_learnt:
        told.append(_KNOWN.format("clips"))
    return _divided("clips", free, lambda clip: clip.id in kept, (), told)


def _check_enough(clips: Sequence[ClipFacts]) -> None:
    counts = Counter(clip.label for clip in clips)
    if sum(count >= MIN_CLIPS for count in counts.values()) >= 2:
        return
    there = ", ".join(f"'{label}' {count}" for label, count in sorted(counts.items())) or "none"
    raise StudioError(
        "bad",
        f"there is too little to learn from: two gestures with {MIN_CLIPS} accepted clips each are needed, of people "
        f"who are not kept for the test; accepted are {there}. Record more, and accept it under Review.",
    )


def _people(clips: Sequence[ClipFacts], earlier: Earlier, told: list[str]) -> frozenset[int]:
    """Return who is kept for the test: those who were, and one more for every five people; none if all are too few."""
    everybody = {clip.person for clip in clips if clip.person is not None}
    kept = set(earlier.people_tested & everybody)
    if len(everybody) < _MIN_PEOPLE and not kept:
        return frozenset()
    wanted = max(1, len(everybody) // _EVERY)
    while len(kept) < wanted:
        free = everybody - kept
        unknown = free - earlier.people_learnt
        choice = _best_person(clips, kept, unknown) or (None if kept else _best_person(clips, kept, free))
        if choice is None:
            break
        if choice in earlier.people_learnt:
            told.append(_KNOWN.format("the person"))
        kept.add(choice)
    if kept and not _is_viable(clips, lambda clip: clip.person in kept):
        told.append("Those who are kept for the test are the only ones with enough clips; let others record.")
        return frozenset()
    return frozenset(kept)


def _best_person(clips: Sequence[ClipFacts], kept: Collection[int], free: Collection[int]) -> int | None:
    """Return who covers most gestures without having most of the clips, of equals the first to have come."""
    labels: dict[int, set[str]] = defaultdict(set)
    counts: Counter[int] = Counter()
    for clip in clips:
        if clip.person is not None and clip.person in free:
            labels[clip.person].add(clip.label)
            counts[clip.person] += 1
    fitting = [
        person
        for person in sorted(free)
        if counts[person] <= _LARGEST_SHARE * len(clips)
        and _is_viable(clips, lambda clip, person=person: clip.person == person or clip.person in kept)  # type: ignore[misc]
    ]
    return max(fitting, key=lambda person: len(labels[person]), default=None)


def _is_viable(clips: Sequence[ClipFacts], is_test: Callable[[ClipFacts], bool]) -> bool:
    """Return whether enough is left to learn from, and something of it is tested."""
    learnable = _learnable(clips, is_test)
    return len(learnable) >= 2 and any(is_test(clip) and clip.label in learnable for clip in clips)


def _learnable(clips: Sequence[ClipFacts], is_test: Callable[[ClipFacts], bool]) -> set[str]:
    """Return the labels with enough clips, in all and outside of the test."""
    everywhere = Counter(clip.label for clip in clips)
    outside = Counter(clip.label for clip in clips if not is_test(clip))
    return {k for k, count in everywhere.items() if count >= MIN_CLIPS and outside[k] >= _MIN_LEARNT}


def _recordings(clips: Sequence[ClipFacts], earlier: Earlier) -> frozenset[int]:
    """Return recordings that are kept: those that were, and more until each gesture and a fifth of the clips is in."""
    of: dict[int, Counter[str]] = defaultdict(Counter)
    for clip in clips:
        if clip.recording is not None:
            of[clip.recording][clip.label] += 1
    labels = _learnable(clips, lambda _: False)
    kept = set(earlier.recordings_tested & of.keys())
    left = Counter(clip.label for clip in clips if clip.recording not in kept)
    while True:
        covered = {label for recording in kept for label in of[recording]}
        is_full = sum(of[recording].total() for recording in kept) >= _SHARE * len(clips)
        choice, gain = _best_recording(of, of.keys() - kept, left, labels, covered, len(clips), earlier)
        if choice is None or (is_full and not gain):
            break
        kept.add(choice)
        left -= of[choice]
    tested = {label for recording in kept for label in of[recording]}
    is_viable = _is_viable(clips, lambda clip: clip.recording in kept)
    return frozenset(kept) if is_viable and len(tested & labels) >= 2 else frozenset()


def _best_recording(
    of: Mapping[int, Counter[str]],
    free: Collection[int],
    left: Counter[str],
    labels: Collection[str],
    covered: Collection[str],
    clips: int,
    earlier: Earlier,
) -> tuple[int | None, int]:
    """Return the recording that brings most gestures into the test and leaves enough of each, and how many it brings.

    Of equals, one that nothing was learnt from, then the shortest, then the newest.
    """
    fitting = {
        recording: len(of[recording].keys() & set(labels) - set(covered))
        for recording in free
        if of[recording].total() <= _LARGEST_SHARE * clips
        and all(left[label] - count >= _MIN_LEARNT for label, count in of[recording].items() if label in labels)
    }

    def rank(recording: int) -> tuple[int, bool, int, int]:
        unknown = recording not in earlier.recordings_learnt
        return fitting[recording], unknown, -of[recording].total(), recording

    choice = max(fitting, key=rank, default=None)
    return choice, 0 if choice is None else fitting[choice]


def _single_clips(clips: Sequence[ClipFacts], earlier: Earlier) -> frozenset[str]:
    """Return ids of clips that are kept, of each gesture a fifth; an id's digest decides, so most stay kept."""
    kept: list[str] = []
    for label in sorted(_learnable(clips, lambda _: False)):
        own = sorted((clip.id for clip in clips if clip.label == label), key=_by_chance)
        own.sort(key=lambda i: (i not in earlier.clips_tested, i in earlier.clips_learnt))
        room = len(own) - _MIN_LEARNT
        kept += own[: min(room, max(1, round(_SHARE * len(own))))]
    return frozenset(kept)


def _by_chance(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _divided(
    kind: Kind,
    clips: Sequence[ClipFacts],
    is_test: Callable[[ClipFacts], bool],
    kept: Collection[int],
    told: Sequence[str],
) -> HoldOut:
    labels = _learnable(clips, is_test)
    left_out = sorted({clip.label for clip in clips} - labels)
    if left_out:
        names = ", ".join(f"'{name}'" for name in left_out)
        told = (*told, f"Left out, with too few clips to learn from: {names}.")
    taken = [clip for clip in clips if clip.label in labels]
    train = [clip for clip in taken if not is_test(clip)]
    untested = sorted(labels - {clip.label for clip in taken if is_test(clip)})
    if untested:
        names = ", ".join(f"'{name}'" for name in untested)
        told = (*told, f"Not tested, since the test has no clip of it: {names}.")
    return HoldOut(
        kind,
        tuple(clip.id for clip in train),
        _validation(train),
        tuple(clip.id for clip in taken if is_test(clip)),
        people=tuple(sorted(kept)) if kind == "people" else (),
        recordings=tuple(sorted(kept)) if kind == "recordings" else (),
        people_learnt=tuple(sorted({clip.person for clip in train if clip.person is not None})),
        recordings_learnt=tuple(sorted({clip.recording for clip in train if clip.recording is not None})),
        labels=tuple(sorted(labels)),
        told=tuple(told),
    )


def _validation(train: Sequence[ClipFacts]) -> tuple[str, ...] | None:
    """Return single clips to validate by where whole groups would take a gesture out of what is learnt; else None."""
    everybody = {clip.person for clip in train}
    groups = defaultdict(set)
    for clip in train:
        groups[clip.label].add(clip.person if len(everybody) > 1 else clip.recording)
    if all(len(found) > 1 for found in groups.values()) or len(set().union(*groups.values())) == 1:
        return None
    chosen: list[str] = []
    for label in sorted(groups):
        own = sorted((clip.id for clip in train if clip.label == label), key=_by_chance)
        chosen += own[: max(0, min(len(own) - _MIN_LEARNT, round(0.15 * len(own))))]
    return tuple(sorted(chosen))
