"""Shares and durations as people read them, in the language of a page."""

from collections.abc import Callable

from ademan.studio.web.texts import Say

NONE = "\u2013"
"""In place of a number that is not there."""
_COMMA = ("es", "ru")  # languages that write 97,5 % for 97.5%


def percenter(language: str) -> Callable[..., str]:
    """Return what writes a share in a language, with so many digits (1 if not said): 0.975 as 97.5%; None as a dash."""

    def percent(share: float | None, digits: int = 1) -> str:
        if share is None:
            return NONE
        told = f"{100 * share:.{digits}f}"
        return f"{told.replace('.', ',')}\u00a0%" if language in _COMMA else f"{told}%"

    return percent


def duration(ms: float, say: Say) -> str:
    """Return a time that something took, in whole seconds, minutes or hours."""
    seconds = round(max(0.0, ms) / 1000)
    if seconds < 60:
        return say("time.seconds", s=seconds)
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return say("time.minutes", m=minutes, s=seconds)
    hours, minutes = divmod(minutes, 60)
    return say("time.hours", h=hours, m=minutes)
