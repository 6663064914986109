"""The report: one HTML file that says how good a bundle is, to people and in figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ademan.errors import EvaluationError
from ademan.evaluation import charts, words
from ademan.evaluation.attention import AttentionScores, ClassAttention
from ademan.evaluation.history import History, best_epoch
from ademan.evaluation.metrics import Scores
from ademan.evaluation.others import OthersScores
from ademan.evaluation.page import Section, page, place, prose
from ademan.evaluation.rejection import Rejection
from ademan.evaluation.summary import Spread, Summary
from ademan.evaluation.tables import Column, Value, facts, table
from ademan.files import written_whole


@dataclass(frozen=True)
class Report:
    """What one report tells.

    Args:
        title: such as the bundle's name.
        scores: of the clips that it was tested on.
        split: how these were chosen: "random", "group:subject", "official:NAME", or any other text.
        unseen: whether none of them was used in training.
        history: of the training, one row an epoch; without it there are no learning curves.
        best_epoch: number of the epoch that was kept; chosen by the history if not given.
        facts: how it was made: dataset, seed, network, weights, versions; values may be lists and mappings.
        others: what it makes of clips that show none of its gestures.
        attention: what it rests on, if the network has attention.
    """

    title: str
    scores: Scores
    split: str = ""
    unseen: bool = True
    history: History = ()
    best_epoch: float | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    others: OthersScores | None = None
    attention: AttentionScores | None = None


@dataclass(frozen=True)
class RunsReport:
    """What a report on several runs tells: the same recipe with other seeds, or on other official splits.

    Args:
        title: such as the recipe's name.
        names: of the runs, in the order of the summary.
        summary: their scores.
        facts: how they were made, as in `Report`.

    Raises:
        EvaluationError: there are more or fewer names than runs.
    """

    title: str
    names: tuple[str, ...]
    summary: Summary
    facts: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.names) != len(self.summary):
            raise EvaluationError(
                f"a report on runs needs a name for each: expected {len(self.summary)}, found {len(self.names)}."
            )


def write_report(path: Path, report: Report) -> None:
    """Write a report on one bundle as one HTML file that loads nothing.

    Raises:
        AdemanError: the file cannot be written.
        MissingExtraError: plotly is not installed.
    """
    scores = report.scores
    sections = [
        _result(report),
        _learning(report),
        _confusion(scores),
        _classes(scores),
        _groups(scores),
        _reliability(scores),
        _attention(report.attention),
        _rejection(report.others),
        _mistakes(scores),
        _making({"split": report.split, **report.facts} if report.split else report.facts),
    ]
    _write(path, report.title, sections)


def write_runs_report(path: Path, report: RunsReport) -> None:
    """Write a report on several runs as one HTML file that loads nothing.

    Raises:
        AdemanError: the file cannot be written.
        MissingExtraError: plotly is not installed.
    """
    _write(path, report.title, [_runs(report), _making(report.facts)])


def _write(path: Path, title: str, sections: Sequence[Section | None]) -> None:
    document = page(title, [section for section in sections if section])
    with written_whole(path) as beside:
        beside.write_text(document, encoding="utf-8")


def _result(report: Report) -> Section:
    scores = report.scores
    warnings = [words.seen(report.unseen), words.leak(scores, report.split), words.too_few(scores)]
    warnings.append(words.others_warning(report.others))
    sentences = [
        f"{words.whose_clips(scores, report.split, report.unseen)} {words.group_interval(scores)}",
        f"{words.confusions(scores)} {words.guessing(scores)}",
        words.calibration(scores),
        words.others(report.others),
    ]
    body = "\n".join(
        [
            *(f'<p class="warning">{prose(warning)}</p>' for warning in warnings if warning),
            *(_paragraph(sentence) for sentence in sentences),
            _tiles(scores),
        ]
    )
    return Section("result", words.headline(scores, report.unseen), body, {})


def _paragraph(sentence: str) -> str:
    return f"<p>{prose(sentence)}</p>" if sentence.strip() else ""


def _explained(sentence: str) -> str:
    return f'<p class="quiet">{prose(sentence)}</p>'


def _tiles(scores: Scores) -> str:
    tiles = [
        ("accuracy", words.percent(scores.accuracy)),
        ("macro F1", f"{scores.macro_f1:.2f}"),
        ("top 5", None if scores.top_5_accuracy is None else words.percent(scores.top_5_accuracy)),
        ("weighted F1", f"{scores.weighted_f1:.2f}"),
        ("calibration error", f"{scores.ece:.3f}"),
        ("log loss", f"{scores.log_loss:.2f}"),
    ]
    shown = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles if value is not None)
    return f'<dl class="tiles">{shown}</dl>'


def _learning(report: Report) -> Section | None:
    if not report.history:
        return None
    best = best_epoch(report.history) if report.best_epoch is None else report.best_epoch
    curves = charts.learning_curves(report.history, best)
    drawn = {f"learning-{n}": chart for n, chart in enumerate(curves.values())}
    places = "".join(
        f"<div><h3>{name}</h3>{place(key, f'{name} over epochs')}</div>"
        for key, name in zip(drawn, curves, strict=True)
    )
    explained = "" if best is None else _explained(f"The dotted line is the best epoch, {best:g}.")
    return Section("learning", "Learning curves", f'{explained}<div class="charts">{places}</div>', drawn)


def _confusion(scores: Scores) -> Section:
    body = _explained("A row is what the clips are, a column what they were taken for; the diagonal is right.")
    body += place("confusion", "Confusion matrix; the most confused pairs are in the table below")
    if scores.confused_pairs:
        columns = [
            Column("is", "text"),
            Column("taken for", "text"),
            Column("clips", "count"),
            Column("share", "share"),
        ]
        rows = [(pair.truth, pair.predicted, pair.count, pair.share) for pair in scores.confused_pairs]
        body += f"<h3>Most confused pairs</h3>{table(columns, rows)}"
    return Section("confusions", "What it confuses", body, {"confusion": charts.confusion(scores)})


def _classes(scores: Scores) -> Section:
    columns = [
        Column("class", "text"),
        Column("F1", "bar"),
        Column("precision", "score"),
        Column("recall", "score"),
        Column("clips", "count"),
    ]
    rows = [(c.label, c.f1, c.precision, c.recall, c.support) for c in scores.classes]
    explained = (
        "Precision: how many of those it calls so are so. Recall: how many of those that are so it calls so. "
        "F1 is their harmonic mean, and macro F1 the mean of F1 over the classes that have clips. "
        "A dash: no clip to tell by."
    )
    return Section("classes", "Class by class", _explained(explained) + table(columns, rows), {})


def _groups(scores: Scores) -> Section | None:
    if not scores.groups:
        return None
    one, _ = words.group_words(scores.group_kind)
    explained = _explained(f"The line across each dot is its 95 % interval: few clips of a {one}, a long line.")
    body = explained + place("groups", f"Accuracy by {one}; the same figures are in the table below")
    columns = [Column(one, "text"), Column("accuracy", "share"), Column("right", "count"), Column("clips", "count")]
    body += table(columns, [(group.group, group.accuracy, group.correct, group.clips) for group in scores.groups])
    return Section("groups", f"{one.capitalize()} by {one}", body, {"groups": charts.groups(scores)})


def _reliability(scores: Scores) -> Section:
    explained = (
        "Clips are sorted by how sure it was of them. On the dotted line a confidence of 80 % is right in 80 %; "
        "below the line it is too sure of itself, above it too modest. Lines up and down are 95 % intervals."
    )
    body = _explained(explained) + place("reliability", words.calibration(scores))
    return Section("confidence", "Can its confidence be believed?", body, {"reliability": charts.reliability(scores)})


def _attention(attention: AttentionScores | None) -> Section | None:
    if attention is None:
        return None
    explained = (
        "A row is the clips of one class, whatever they were taken for: how much of the network's attention each "
        "twentieth of the clip had, and each channel. Blue is more than an even share, orange less. Attention tells "
        "what was weighted, not that nothing else would have done."
    )
    columns = [
        Column("class", "text"),
        Column("most at", "share"),
        Column("least at", "share"),
        Column("most: channel", "text"),
        Column("so much", "share"),
        Column("least: channel", "text"),
        Column("so much", "share"),
        Column("clips", "count"),
    ]
    rows = [_attended(attention, of) for of in attention.classes]
    body = (
        _paragraph(words.attention(attention))
        + _explained(explained)
        + f"<h3>Over the clip</h3>{place('attention-frames', 'Attention over the clip, class by class')}"
        + f"<h3>Over the channels</h3>{place('attention-channels', 'Attention over the channels, class by class')}"
        + table(columns, rows)
    )
    drawn = {
        "attention-frames": charts.frame_attention(attention),
        "attention-channels": charts.channel_attention(attention),
    }
    return Section("attention", "Where it looks", body, drawn)


def _attended(attention: AttentionScores, of: ClassAttention) -> tuple[Value, ...]:
    (most, least), (first, last) = attention.frame_peaks(of), attention.channel_peaks(of)
    channels = (first.where, first.attention, last.where, last.attention)
    return (of.label, most.where, least.where, *channels, of.clips)


def _rejection(others: OthersScores | None) -> Section | None:
    if others is None:
        return None
    warning = words.others_warning(others)
    body = f'<p class="warning">{prose(warning)}</p>' if warning else ""
    rejection, stream, drawn = others.rejection, others.stream, {}
    if rejection:
        body += _paragraph(words.rejection(rejection)) + _settings(rejection)
        drawn = {"rejection": charts.rejection(rejection)}
    body += f"<h3>As a stream</h3>{_paragraph(words.false_events(stream))}"
    if stream:
        body += _explained(
            "Joined clips stand in for a recording of people who make no gesture. To set thresholds to live with, "
            "record that:  ademan calibrate BUNDLE RECORDING"
        )
    if stream and stream.labels:
        body += table([Column("fires", "text"), Column("events", "count")], list(stream.labels.items()))
    return Section("rejection", "What is no gesture", body, drawn)


def _settings(rejection: Rejection) -> str:
    columns = [
        Column("threshold", "text"),
        Column("taken for a gesture", "share"),
        Column("gestures found", "share"),
        Column("and rightly named", "share"),
    ]
    rows = [
        (words.threshold_of(one), one.taken.share, one.found.share, one.right.share)
        for one in (rejection.own, *rejection.telling)
    ]
    kinds = [(kind.name, kind.taken.share, kind.taken.count, kind.taken.clips) for kind in rejection.kinds]
    of_kinds = [Column("clips of", "text"), *columns[1:2], Column("so many", "count"), Column("clips", "count")]
    return (
        place("rejection", "Gestures found over clips taken for one; the same figures are in the table below")
        + table(columns, rows)
        + _explained(words.thresholds_chosen(rejection))
        + table(of_kinds, kinds)
    )


def _mistakes(scores: Scores) -> Section:
    if not scores.mistakes:
        return Section("mistakes", "Most confident mistakes", _paragraph("There is none."), {})
    columns = [Column("clip", "text"), Column("is", "text"), Column("taken for", "text"), Column("sure", "share")]
    rows = [(mistake.id, mistake.truth, mistake.predicted, mistake.confidence) for mistake in scores.mistakes]
    explained = _explained("Worth a look: some may be wrongly labelled, cut short, or hidden from the camera.")
    return Section("mistakes", "Most confident mistakes", explained + table(columns, rows), {})


def _making(known: Mapping[str, object]) -> Section | None:
    if not known:
        return None
    return Section("making", "How it was made", facts([(name, _shown(value)) for name, value in known.items()]), {})


def _shown(value: object) -> str:
    """Write a manifest's value on one line."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_shown(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_shown, value))
    return "not known" if value is None else str(value)


def _runs(report: RunsReport) -> Section:
    summary = report.summary
    columns = [
        Column("run", "text"),
        Column("accuracy", "fine"),
        Column("macro F1", "fine"),
        Column("ECE", "fine"),
    ]
    rows = list(zip(report.names, summary.accuracy.values, summary.macro_f1.values, summary.ece.values, strict=True))
    means = [summary.accuracy, summary.macro_f1, summary.ece]
    foot = '<th scope="row">mean ± spread</th>' + "".join(
        f'<td class="number">{_mean(spread)}</td>' for spread in means
    )
    explained = (
        "ECE is the expected calibration error. The spread is the sample standard deviation over the runs: "
        "what another seed or split would change. How often each fires by mistake is in the report of its own folder."
    )
    body = place("runs", "Accuracy and macro F1 of each run") + table(columns, rows, foot) + _explained(explained)
    return Section("result", words.runs_headline(summary), body, {"runs": charts.runs(summary, report.names)})


def _mean(spread: Spread) -> str:
    return f"{spread.mean:.3f}" + ("" if spread.deviation is None else f" ± {spread.deviation:.3f}")
