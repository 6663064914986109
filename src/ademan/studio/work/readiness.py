"""Whether a set can be trained now, and from what: what a worker would find, told before it is asked."""

from collections import Counter
from dataclasses import dataclass

from ademan.studio.data import Database, StudioError
from ademan.studio.data.files import FileStore
from ademan.studio.data.gestures import SetInfo
from ademan.studio.work.holdout import MIN_CLIPS, HoldOut, hold_out
from ademan.studio.work.material import facts


@dataclass(frozen=True)
class LabelCount:
    """The accepted clips of a label.

    Args:
        label: name of a gesture, or the set's idle label.
        clips: all of them.
        bound: those of people who are kept for the test, from whom nothing is learnt.
        is_taken: whether the training would learn it.
        is_tested: whether the test would have a clip of it.
    """

    label: str
    clips: int
    bound: int
    is_taken: bool
    is_tested: bool


@dataclass(frozen=True)
class Readiness:
    """What a training of a set would be made of.

    Args:
        owner: the set.
        labels: in the order of the set.
        clips: that are accepted.
        people: whose clips are accepted.
        held: how the clips would be divided; None if there is too little to learn from.
    """

    owner: SetInfo
    labels: tuple[LabelCount, ...]
    clips: int
    people: int
    held: HoldOut | None

    @property
    def is_ready(self) -> bool:
        """Whether a worker would train."""
        return self.held is not None

    @property
    def lacking(self) -> list[tuple[str, int]]:
        """Labels with too few clips, and how many more each needs."""
        free = [(one.label, one.clips - one.bound) for one in self.labels]
        return [(label, MIN_CLIPS - count) for label, count in free if count < MIN_CLIPS]

    @property
    def has_idle(self) -> bool:
        """Whether clips without a gesture are learnt from."""
        return any(one.label == self.owner.idle and one.is_taken for one in self.labels)


def readiness(database: Database, files: FileStore, set_id: int) -> Readiness:
    """Return what a training of a set would be made of; nothing is bound by asking.

    Raises:
        StudioError: 'gone', there is no such set; 'unavailable'.
    """
    owner, clips, earlier = facts(database, files, set_id)
    try:
        held = hold_out(clips, earlier)
    except StudioError as error:
        if error.code != "bad":
            raise
        held = None
    kept = set(held.test) if held else set()
    counts = Counter(clip.label for clip in clips)
    bound = Counter(clip.label for clip in clips if clip.person in earlier.people_tested)
    tested = {clip.label for clip in clips if clip.id in kept}
    taken = held.labels if held else ()
    labels = (LabelCount(name, counts[name], bound[name], name in taken, name in tested) for name in owner.labels)
    people = {clip.person for clip in clips} - {None}
    return Readiness(owner, tuple(labels), len(clips), len(people), held)
