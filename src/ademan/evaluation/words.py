"""Scores in plain sentences: what a reader who is no statistician should take home."""

import math

from ademan.evaluation.attention import AttentionScores
from ademan.evaluation.idle_stream import FalseEvents
from ademan.evaluation.intervals import Interval
from ademan.evaluation.metrics import Scores
from ademan.evaluation.others import OthersScores
from ademan.evaluation.rejection import Rejection, Setting
from ademan.evaluation.summary import Summary

PLURALS = {"subject": ("person", "people"), "session": ("session", "sessions"), "group": ("group", "groups")}
"""What people call a kind of group: one, several."""

GOOD_ECE, POOR_ECE = 0.05, 0.15
"""Calibration errors up to which a confidence can be believed, and above which it cannot; a choice, no law."""

TOO_FEW_TO_TELL = 0.1
"""With so large a calibration error by chance alone, the clips are too few to judge a confidence by."""

_SHOW_OTHERS = "ademan evaluate BUNDLE DATASET --others CLIPS.h5"


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
        split: "random", "group:KIND", "group:KIND:NAMES", "shots:N:KIND:NAME", "official:NAME", or any other text,
            shown as it is.
        unseen: whether none of them was used in training.
        listed: groups that are named.
    """
    kind, _, name = split.partition(":")
    apart = "were kept out of training altogether" if unseen else "this split sets apart"
    how = {
        "random": "Tested on clips drawn at random.",
        "official": f"Tested on the official split '{name}'.",
        "group": f"Tested on {group_words(name.partition(':')[0])[1]} that {apart}.",
        "shots": f"Trained on {name.partition(':')[0]} clips of each gesture, all of one {_shots_kind(name)}.",
    }.get(kind, f"Tested on: {split}." if split else "")
    if not scores.groups:
        return how
    one, several = group_words(scores.group_kind)
    names = [group.group for group in scores.groups]
    more = f" and {len(names) - listed} more" if len(names) > listed else ""
    whose = f"The clips are of {len(names)} {several if len(names) > 1 else one}: {', '.join(names[:listed])}{more}."
    return f"{how} {whose}".strip()


def _shots_kind(name: str) -> str:
    return group_words(name.split(":")[1] if ":" in name else None)[0]


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


def others(scores: OthersScores | None) -> str:
    """Return what a bundle makes of clips that show none of its gestures; nothing if none was judged."""
    if scores is None:
        return ""
    told = rejection(scores.rejection) if scores.rejection else ""
    return f"{told} {false_events(scores.stream)}".strip()


def others_warning(scores: OthersScores | None) -> str:
    """Return a warning if no clip without a gesture was judged, or some were used in training."""
    if scores is None:
        return (
            "How often it fires by mistake is not known: it was judged on gestures alone, and most of what a camera "
            f"sees is none. To know, show it clips that are none of its gestures:  {_SHOW_OTHERS}"
        )
    if scores.unseen:
        return ""
    return "Some of the clips without a gesture were or may have been used in training: others will pass more often."


def rejection(scores: Rejection) -> str:
    """Return how often what is no gesture is taken for one, and what keeping that out better would cost."""
    own = scores.own
    clips = "1 clip" if scores.others == 1 else f"{scores.others} clips"
    says = (
        f"Of 100 clips that show none of its gestures it takes {of_100(own.taken.share)} for one "
        f"(95 % interval {between(own.taken.interval)}, by {clips}), and finds {_found(own)}"
    )
    if not scores.telling:
        return f"{says}; these are too few clips to choose a threshold by."
    strict = scores.telling[0]
    asked = of_100(strict.asked or 0)
    if strict.threshold > 1:
        return f"{says}. No threshold brings that down to {asked} of 100."
    if strict.threshold <= own.threshold:
        return f"{says}."
    set_so = f"set so that it takes {asked} of 100 (threshold {threshold(strict.threshold)}), it"
    if scores.separate:
        set_so = (
            f"set so that of {scores.chosen_on} more such clips it takes {asked} of 100 (threshold "
            f"{threshold(strict.threshold)}), it takes {of_100(strict.taken.share)} of these 100 and"
        )
    return f"{says}; {set_so} still finds {_found(strict)}."


def _found(setting: Setting) -> str:
    found = f"{of_100(setting.found.share)} of 100 gestures"
    return f"{found}, {of_100(setting.right.share)} by their right name" if setting.found.count else found


def of_100(share: float) -> str:
    """Write a share as so many of a hundred; never as none or all what is not quite."""
    if 0 < share < 0.01:
        return "fewer than 1"
    if 0.99 < share < 1:
        return "more than 99"
    if share in (0, 1):
        return "all" if share else "none"
    return f"{100 * share:.0f}"


def threshold(least: float) -> str:
    """Write a threshold, rounded up: it takes no more than the exact one, and as 1 only what is 1; none above."""
    if least > 1:
        return "none"
    rounded = (math.ceil(least * 10**figures) / 10**figures for figures in range(3, 10))
    return f"{next((value for value in rounded if value < 1), 1.0):.9g}"


def threshold_of(setting: Setting) -> str:
    """Return a threshold, and what it was chosen for."""
    why = "its own" if setting.asked is None else f"for {percent(setting.asked)}"
    return f"{threshold(setting.threshold)} ({why})"


def thresholds_chosen(scores: Rejection) -> str:
    """Return by which clips thresholds were chosen."""
    if not scores.telling:
        return "These are too few clips to choose a threshold by."
    if scores.separate:
        return f"Thresholds were chosen on {scores.chosen_on} more clips that show no gesture."
    return "Thresholds were chosen on these very clips, which flatters them a little."


def false_events(events: FalseEvents | None) -> str:
    """Return how often it will fire by mistake; that it is not known if there was no stream."""
    if events is None:
        return (
            "How often it fires by mistake live is not known: these clips last less than a minute together. Show it "
            f"more:  {_SHOW_OTHERS}"
        )
    minutes = f"{60 * events.hours:.0f} minute{'s' if round(60 * events.hours) > 1 else ''}"
    often = ", ".join(f"'{label}' ({count})" for label, count in list(events.labels.items())[:3])
    return (
        f"Live, in {minutes} of clips without a gesture, joined to a stream, "
        f"{_fires(events.count)} by mistake: {rate(events.per_hour)} an hour, with 95 % confidence fewer than "
        f"{rate(events.per_hour_below)}."
    ) + (f" Most often it says {often}." if often else "")


def _fires(count: int) -> str:
    return {0: "it never fires", 1: "it fires once"}.get(count, f"it fires {count} times")


def rate(per_hour: float) -> str:
    """Write a rate in two figures, from a hundred on in whole numbers."""
    return f"{per_hour:.2g}" if per_hour < 99.5 else f"{per_hour:.0f}"


def runs_headline(summary: Summary) -> str:
    """Return the mean accuracy over several runs as a sentence."""
    spread = summary.accuracy.deviation
    about = "" if spread is None else f", give or take {100 * spread:.1f} points"
    runs = f"{len(summary)} runs" if len(summary) > 1 else "1 run"
    share = f"Right in {percent(summary.accuracy.mean)} of clips over {runs}{about}"
    clips = "1 clip" if summary.clips == 1 else f"{summary.clips} clips"
    return f"{share} (95 % interval of {clips}: {between(summary.interval)})."


def attention(scores: AttentionScores) -> str:
    """Return where a network looks, over all clips."""
    (most, _), (first, _) = scores.frame_peaks(scores.overall), scores.channel_peaks(scores.overall)
    return (
        f"Over all {scores.overall.clips} clips it looks most at {percent(float(most.where))} of the way through the "
        f"clip, and of the {len(scores.channels)} channels most at {first.where}: {percent(first.attention)} of its "
        "attention."
    )
