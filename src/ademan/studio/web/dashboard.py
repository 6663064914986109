"""The figures as a page shows them: charts, tables and a few numbers, in words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ademan.studio.data.days import Days
from ademan.studio.data.figures import OTHERS, Figures, Told, Totals, Use, Which
from ademan.studio.data.tables import NOBODY
from ademan.studio.web.asked import Asked, columns
from ademan.studio.web.charts import TONES, Chart, Series
from ademan.studio.web.words import NOTHING, Words

_SHOWN = TONES - 1  # series with a colour of their own


@dataclass(frozen=True)
class Share:
    """A share among people's answers, as a bar with the range in which it may be.

    Args:
        name: of the gesture.
        told: of how many.
        text: the share.
        reach: its range in words.
        width: of the bar, per cent.
        low: where the range begins.
        high: where it ends.
    """

    name: str
    told: Told
    text: str
    reach: str
    width: str
    low: str
    high: str


@dataclass(frozen=True)
class Dashboard:
    """All charts of some days.

    Args:
        gestures: shown by day.
        use: by person and day.
        today: by half hour.
        accuracy: by day, where people said something.
        confidence: by day.
        latency: by day.
        shares: accuracy by gesture.
        people: who has how much, most first.
        told: all answers together.
        sums: all use together.
    """

    gestures: Chart
    use: Chart
    today: Chart
    accuracy: Chart
    confidence: Chart
    latency: Chart
    shares: Sequence[Share]
    people: Sequence[tuple[str, Use]]
    told: Told
    sums: Use

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing on these days."""
        return self.gestures.is_empty and self.use.is_empty and not self.told.total


def dashboard(figures: Figures, by: int, asked: Asked, words: Words) -> Dashboard:
    """Return what is to be shown to somebody.

    Raises:
        StudioError: 'gone', they have no account any more; 'unavailable'.
    """
    which = replace(asked.which, days=columns(asked.which.days))
    totals, accuracy = figures.totals(by, which), figures.accuracy(which)
    people = totals.people
    names = person_names(figures.names(by, list(people)), by, words)
    by_truth = {truth: sum(days.values(), Told()) for truth, days in accuracy.items()}
    confidence, latency = _pace(totals, which.days, words)
    return Dashboard(
        gestures=_gestures(figures.gestures(which), which.days, words),
        use=_use(totals, names, which.days, words),
        today=_today(figures, which.on(asked.today), words),
        accuracy=_accuracy(accuracy, which.days, words),
        confidence=confidence,
        latency=latency,
        shares=[_share(truth, told, words) for truth, told in by_truth.items()],
        people=[(names(person), use) for person, use in people.items()],
        told=sum(by_truth.values(), Told()),
        sums=sum(people.values(), Use()),
    )


def person_names(known: Mapping[int, str], by: int, words: Words) -> Callable[[int], str]:
    """Return what gives the names of people: of oneself, of those one may see, and of those without one."""
    told = {NOBODY: words.say("figures.nobody"), OTHERS: words.say("figures.everybody_else")}

    def name(person: int) -> str:
        if person == by:
            return words.say("figures.you", name=known.get(by, ""))
        return told.get(person) or known.get(person, NOTHING)

    return name


def _heads(days: Days, words: Words) -> tuple[list[str], list[str]]:
    """Return the days as a table has them, and as an axis does."""
    return [words.long_day(day, days.step) for day in days.dates], [words.day(day) for day in days.dates]


def _gestures(found: Mapping[str, Mapping[int, int]], days: Days, words: Words) -> Chart:
    return _stacked({label: dict(counts) for label, counts in found.items()}, days, words)


def _use(totals: Totals, names: Callable[[int], str], days: Days, words: Words) -> Chart:
    counts: dict[int, dict[int, int]] = {person: {} for person in totals.people}
    for (person, day), use in totals.use.items():
        counts[person][day] = use.predictions
    return _stacked({names(person): of_days for person, of_days in counts.items()}, days, words, last="others")


def _stacked(counts: Mapping[str, Mapping[int, int]], days: Days, words: Words, *, last: str = "rest") -> Chart:
    """Return bars of the first few, and of all others together."""
    shown, rest = list(counts.items())[:_SHOWN], list(counts.values())[_SHOWN:]
    series = [_whole(name, of_days, days, tone, words) for tone, (name, of_days) in enumerate(shown, 1)]
    if rest:
        together = {day: sum(of_days.get(day, 0) for of_days in rest) for day in range(len(days))}
        text = "figures.other_people" if last == "others" else "figures.other_gestures"
        series.append(_whole(words.say(text, count=len(rest)), together, days, TONES, words))
    return Chart("bars", *_heads(days, words), series, words.whole, top=4)


def _whole(name: str, counts: Mapping[int, int], days: Days, tone: int, words: Words) -> Series:
    values = [counts.get(day, 0) for day in range(len(days))]
    return Series(name, values, [words.whole(value) for value in values], tone)


def _today(figures: Figures, which: Which, words: Words) -> Chart:
    found = figures.today(which)
    clocks = list(which.days.half_hours())
    values = [found.get(half_hour, Use()) for half_hour, _ in clocks]
    said = [use.predictions for use in values]
    series = Series(words.say("figures.predictions"), said, [words.whole(count) for count in said])
    heads = [clock for _, clock in clocks]
    return Chart("bars", heads, heads, [series], words.whole, top=4)


def _accuracy(found: Mapping[str, Mapping[int, Told]], days: Days, words: Words) -> Chart:
    told = [sum((of_days.get(day, Told()) for of_days in found.values()), Told()) for day in range(len(days))]
    reaches = [(one.interval.low, one.interval.high) if one.interval else None for one in told]
    texts = [
        words.say("figures.share_of", share=words.percent(one.share), reach=words.span(*reach), count=one.total)
        if reach
        else NOTHING
        for one, reach in zip(told, reaches, strict=True)
    ]
    series = Series(words.say("figures.right"), [one.share for one in told], texts, 1, reaches)
    return Chart("lines", *_heads(days, words), [series], words.percent, top=1.0)


def _pace(totals: Totals, days: Days, words: Words) -> tuple[Chart, Chart]:
    pace = [totals.pace.get(day) for day in range(len(days))]

    def series(text: str, values: list[float | None], tell: Callable[[float | None], str], tone: int) -> Series:
        return Series(words.say(text), values, [tell(value) for value in values], tone)

    def ms(value: float | None) -> str:
        return words.decimal(value, 0)

    sure = series("figures.mean", [one.confidence if one else None for one in pace], words.percent, 1)
    mean = series("figures.mean", [one.latency_ms if one else None for one in pace], ms, 1)
    longest = series("figures.longest", [one.latency_max_ms if one else None for one in pace], ms, 2)
    heads = _heads(days, words)
    confidence = Chart("lines", *heads, [sure], words.percent, top=1.0)
    return confidence, Chart("lines", *heads, [mean, longest], words.whole, top=10.0)


def _share(name: str, told: Told, words: Words) -> Share:
    low, high = (told.interval.low, told.interval.high) if told.interval else (0.0, 1.0)
    places = (f"{100 * value:.2f}%" for value in (told.share or 0.0, low, high))
    return Share(name, told, words.percent(told.share), words.span(low, high), *places)
