"""Scores in plain sentences: what a reader who is no statistician should take home."""

from ademan.evaluation.intervals import Interval
from ademan.evaluation.metrics import Scores
from ademan.evaluation.summary import Summary

PLURALS = {"subject": ("person", "people"), "session": ("session", "sessions"), "group": ("group", "groups")}
"""What people call a kind of group: one, several."""

GOOD_ECE, POOR_ECE = 0.05, 0.15
"""Calibration errors up to which a confidence can be believed, and above which it cannot; a choice, no law."""

TOO_FEW_TO_TELL = 0.1
"""With so large a calibration error by chance alone, the clips are too few to judge a confidence by."""


def percent(share: float) -> str:
    """Write a share from 0 to 1; never as 0 % or 100 % what is not quite."""
    if 0 < share < 0.01 or 0.99 < share < 1:
        tenths = min(max(100 * share, 0.1), 99.9)
        return f"{tenths:.1f} %"
    return f"{100 * share:.0f} %"


def short(text: str, length: int = 28) -> str:
    """Return a text in one line of at most `length` characters."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def group_words(kind: str | None) -> tuple[str, str]:
    """Return what one and what several groups of a kind are called."""
    return PLURALS.get(kind or "group", (f"{kind}", f"{kind}s"))


def headline(scores: Scores, unseen: bool) -> str:
    """Return the accuracy as a sentence, with its interval."""
    never = "it has never seen" if unseen else "among which are some that it may have been trained on"
    clips = "1 clip" if scores.clips == 1 else f"{scores.clips} clips"
    return (
        f"Right in {percent(scores.accuracy)} of {clips} {never} (95 % interval {between(scores.accuracy_interval)})."
    )


def between(interval: Interval) -> str:
    """Write an interval: 37 to 51 %."""
    return f"{percent(interval.low).removesuffix(' %')} to {percent(interval.high)}"


def group_interval(scores: Scores) -> str:
    """Return what drawing whole groups says of the accuracy; nothing if too few are known, or all are equally good."""
    interval = scores.accuracy_interval_by_group
    if interval is None or interval.low == interval.high:
        return ""
    one, several = group_words(scores.group_kind)
    return (
        f"Clips of one {one} are alike; had other {several} been drawn, the share could have been {between(interval)}."
    )


def guessing(scores: Scores) -> str:
    """Return what naming always the same class would reach: the least that is worth anything."""
    commonest = max(scores.classes, key=lambda c: c.support)
    return f"Always answering '{commonest.label}' would be right in {percent(commonest.support / scores.clips)}."


def seen(unseen: bool) -> str:
    """Return a warning if clips of the training are among those of the test."""
    return "" if unseen else "Some of these clips were or may have been used in training: on new ones, expect less."


def too_few(scores: Scores) -> str:
    """Return a warning if the clips are too few to rank two networks by."""
    width = scores.accuracy_interval.high - scores.accuracy_interval.low
    if width <= 0.3:
        return ""
    return (
        f"These are few clips: the share could as well be {between(scores.accuracy_interval)}. Test on more before you "
        "rely on it."
    )


def confusions(scores: Scores, count: int = 3) -> str:
    """Return which classes are taken for which most often."""
    if not scores.confused_pairs:
        return "It took no clip for another class."
    pairs = [
        f"'{pair.truth}' for '{pair.predicted}' ({pair.count} of {round(pair.count / pair.share)})"
        for pair in scores.confused_pairs[:count]
    ]
    return f"Most often it takes {', '.join(pairs[:-1])}{' and ' if pairs[1:] else ''}{pairs[-1]}."


def calibration(scores: Scores) -> str:
    """Return how far the confidence can be believed."""
    says = f"On average it is {percent(scores.mean_confidence)} sure and right in {percent(scores.accuracy)}"
    if scores.ece_by_chance > TOO_FEW_TO_TELL:
        return f"{says}; these are too few clips to tell how far its confidence can be believed."
    return (
        f"{_verdict(scores)} {says} (calibration error {scores.ece:.3f}, of which chance alone explains about "
        f"{min(scores.ece, scores.ece_by_chance):.3f})."
    )


def _verdict(scores: Scores) -> str:
    if scores.ece <= max(GOOD_ECE, 1.5 * scores.ece_by_chance):
        return "Its confidence can be believed."
    direction = "too sure of itself" if scores.mean_confidence > scores.accuracy else "too modest"
    if scores.ece <= POOR_ECE:
        return f"Its confidence is a rough guide: it is somewhat {direction}."
    return f"Do not believe its confidence: it is much {direction}."


def whose_clips(scores: Scores, split: str, unseen: bool, listed: int = 8) -> str:
    """Return which split the clips are of, and whose they are.

    Args:
        scores: of these clips.
        split: "random", "group:KIND", "group:KIND:NAMES", "official:NAME", or any other text, shown as it is.
        unseen: whether none of them was used in training.
        listed: groups that are named.
    """
    kind, _, name = split.partition(":")
    apart = "were kept out of training altogether" if unseen else "this split sets apart"
    how = {
        "random": "Tested on clips drawn at random.",
        "official": f"Tested on the official split '{name}'.",
        "group": f"Tested on {group_words(name.partition(':')[0])[1]} that {apart}.",
    }.get(kind, f"Tested on: {split}." if split else "")
    if not scores.groups:
        return how
    one, several = group_words(scores.group_kind)
    names = [group.group for group in scores.groups]
    more = f" and {len(names) - listed} more" if len(names) > listed else ""
    whose = f"The clips are of {len(names)} {several if len(names) > 1 else one}: {', '.join(names[:listed])}{more}."
    return f"{how} {whose}".strip()


def leak(scores: Scores, split: str) -> str:
    """Return a warning if clips of the same people, or sessions, were on both sides; nothing if not."""
    if split.partition(":")[0] != "random" or scores.group_kind is None:
        return ""
    one, several = group_words(scores.group_kind)
    return (
        f"This test is too easy. The clips were divided at random although it is known which {one} each is of, so "
        f"clips of the same {several} were on both sides, and neighbours look alike: with "
        f"{'strangers' if scores.group_kind == 'subject' else 'new ' + several}, expect less. Train again with "
        f"--split group:{scores.group_kind} to know."
    )


def runs_headline(summary: Summary) -> str:
    """Return the mean accuracy over several runs as a sentence."""
    spread = summary.accuracy.deviation
    about = "" if spread is None else f", give or take {100 * spread:.1f} points"
    runs = f"{len(summary)} runs" if len(summary) > 1 else "1 run"
    return f"Right in {percent(summary.accuracy.mean)} of clips over {runs}{about}."
