"""Charts as plain plotly specifications, which report.js draws.

Colours are names such as "@accent": report.js looks them up in report.css, which has one set for light and one for
dark. Everything that a user wrote goes through `text`: plotly takes some HTML for formatting.
"""

import html
from collections.abc import Sequence
from typing import Any, TypeAlias

from ademan.evaluation.attention import SHARES, AttentionScores
from ademan.evaluation.history import History, changes, column, epochs
from ademan.evaluation.intervals import wilson
from ademan.evaluation.metrics import Scores
from ademan.evaluation.plots import MAX_WRITTEN
from ademan.evaluation.rejection import Rejection
from ademan.evaluation.summary import Spread, Summary
from ademan.evaluation.words import group_words, short, threshold_of

Chart: TypeAlias = dict[str, Any]
"""'data' and 'layout' as plotly takes them, and under 'narrow' what changes in either on a phone."""

PERCENT = ".0%"

LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 12}}
"""In a row above the chart, where it takes no width."""


def text(label: str, length: int = 0) -> str:
    """Return a user's text as plotly shows it, letter for letter; cut to `length` characters if above zero."""
    return html.escape(short(label, length) if length else label, quote=False)


def confusion(scores: Scores) -> Chart:
    """Return the confusion matrix: colour is the share of the true class, rows without a clip stay empty."""
    K = len(scores.labels)
    few = K <= MAX_WRITTEN
    labels = [text(label) for label in scores.labels]
    shares = [[count / sum(row) for count in row] if sum(row) else [None] * K for row in scores.confusion]
    matrix = {
        "type": "heatmap",
        "x": labels,
        "y": labels,
        "z": shares,
        "zmin": 0,
        "zmax": 1,
        "customdata": scores.confusion,
        "text": [[str(count) if count else "" for count in row] for row in scores.confusion] if few else None,
        "texttemplate": "%{text}" if few else None,
        "hovertemplate": "<b>%{y}</b> taken for <b>%{x}</b><br>%{customdata} clips, %{z:.0%}<extra></extra>",
        "xgap": 1 if few else 0,
        "ygap": 1 if few else 0,
        # Where numbers cannot be written, colour alone must show mistakes of a few percent.
        "colorscale": [[0, "@scale0"], [0.5 if few else 0.2, "@scale1"], [1, "@scale2"]],
        "colorbar": {"tickformat": PERCENT, "thickness": 10, "len": min(1, 320 / _side(K)), "outlinewidth": 0},
    }
    ticks = {
        "type": "category",
        "tickvals": labels,
        "showgrid": False,
        "ticks": "",
        "tickfont": {"size": 12 if few else 8},
    }
    down = [text(label, 24) for label in scores.labels]
    layout = {
        "height": _side(K) + 130,
        "xaxis": {
            **ticks,
            "ticktext": down,
            "title": {"text": "predicted", "standoff": 14},
            "tickangle": -90 if K > 3 else 0,
        },
        "yaxis": {**ticks, "ticktext": down, "title": {"text": "true", "standoff": 14}, "autorange": "reversed"},
        "margin": {"t": 10, "r": 10},
    }
    return {"data": [matrix], "layout": layout, "narrow": _narrow_confusion(scores)}


def _side(K: int) -> int:
    """Return the height of K rows in pixels."""
    return max(160, K * (32 if K <= MAX_WRITTEN else 11))


def _narrow_confusion(scores: Scores) -> Chart:
    """Return what a phone shows: shorter names, and none where they would take all the room."""
    brief = [text(label, 10) for label in scores.labels]
    axis: Chart = {"ticktext": brief, "tickfont": {"size": 10}, "title": {"text": ""}}
    if len(scores.labels) > MAX_WRITTEN:
        axis["showticklabels"] = False
    height = 130 + min(_side(len(scores.labels)), 420)
    return {"layout": {"xaxis": axis, "yaxis": axis, "height": height}, "data": [{"showscale": False}]}


def learning_curves(history: History, best: float | None) -> dict[str, Chart]:
    """Return the charts of loss and accuracy over epochs, and of the learning rate if it changed; by their names."""
    charts = {
        "Loss": [("train_loss", "training", "@muted"), ("val_loss", "validation", "@accent")],
        "Accuracy": [
            ("train_accuracy", "training", "@muted"),
            ("val_accuracy", "validation", "@accent"),
            ("val_f1", "validation F1", "@second"),
        ],
    }
    if changes(history, "learning_rate"):
        charts["Learning rate"] = [("learning_rate", "learning rate", "@third")]
    drawn = {name: _curves(history, lines, best) for name, lines in charts.items()}
    if "Learning rate" in drawn:
        drawn["Learning rate"]["layout"]["yaxis"] = {"type": "log", "dtick": "D2", "exponentformat": "e"}
    drawn["Accuracy"]["layout"]["yaxis"].update(tickformat=PERCENT, range=[-0.02, 1.02])
    return {name: chart for name, chart in drawn.items() if chart["data"]}


def _curves(history: History, lines: list[tuple[str, str, str]], best: float | None) -> Chart:
    x = epochs(history)
    values = {name: column(history, name) for name, _, _ in lines}
    data = [
        {
            "type": "scatter",
            "mode": "lines" if len(x) > 2 else "lines+markers",
            "name": shown,
            "x": x,
            "y": values[name],
            "line": {"color": colour, "width": 2},
        }
        for name, shown, colour in lines
        if any(value is not None for value in values[name])
    ]
    layout: Chart = {
        "height": 300,
        "xaxis": {"title": {"text": "epoch"}, "showgrid": False, "tickformat": "d"},
        "yaxis": {},
        "hovermode": "x unified",
        "showlegend": True,
        "legend": LEGEND,
    }
    if best is not None:
        layout["shapes"] = [_line(best, best, 0, 1, "@ink", yref="paper")]
    return {"data": data, "layout": layout}


def _line(x0: float, x1: float, y0: float, y1: float, colour: str, **refs: str) -> Chart:
    line = {"color": colour, "width": 1, "dash": "dot"}
    return {"type": "line", "layer": "below", "x0": x0, "x1": x1, "y0": y0, "y1": y1, "line": line, **refs}


def reliability(scores: Scores) -> Chart:
    """Return accuracy over confidence, each bin with its 95 % interval, above the number of clips a bin."""
    used = [(b.mean_confidence or 0.0, b.accuracy or 0.0, b.clips) for b in scores.reliability if b.clips]
    intervals = [wilson(round(accuracy * clips), clips) for _, accuracy, clips in used]
    curve = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [confidence for confidence, _, _ in used],
        "y": [accuracy for _, accuracy, _ in used],
        "customdata": [clips for _, _, clips in used],
        "line": {"color": "@accent", "width": 2},
        "marker": {"color": "@accent", "size": 8},
        "error_y": {
            "type": "data",
            "array": [max(0.0, i.high - a) for i, (_, a, _) in zip(intervals, used, strict=True)],
            "arrayminus": [max(0.0, a - i.low) for i, (_, a, _) in zip(intervals, used, strict=True)],
            "color": "@accent",
            "thickness": 1,
            "width": 0,
        },
        "hovertemplate": "sure: %{x:.0%}<br>right: %{y:.0%}<br>%{customdata} clips<extra></extra>",
    }
    histogram = {
        "type": "bar",
        "x": [(b.low + b.high) / 2 for b in scores.reliability],
        "y": [b.clips for b in scores.reliability],
        "yaxis": "y2",
        "marker": {"color": "@muted"},
        "hovertemplate": "%{y} clips<extra></extra>",
    }
    axis = {"range": [0, 1.02], "tickformat": PERCENT}
    layout = {
        "height": 420,
        "xaxis": {**axis, "title": {"text": "confidence"}, "anchor": "y2", "showgrid": False},
        "yaxis": {**axis, "range": [-0.02, 1.02], "domain": [0.3, 1], "title": {"text": "share that is right"}},
        "yaxis2": {"domain": [0, 0.2], "title": {"text": "clips"}, "nticks": 3},
        "shapes": [_line(0, 1, 0, 1, "@ink")],
        "bargap": 0.08,
    }
    return {"data": [curve, histogram], "layout": layout}


def rejection(scores: Rejection) -> Chart:
    """Return gestures found, and found by their right name, over clips without a gesture that are taken for one."""
    taken, found, right = zip(*scores.curve, strict=True)
    hover = "taken for a gesture: %{x:.1%}<br>gestures: %{y:.1%}"

    def line(name: str, y: Sequence[float], colour: str) -> Chart:
        steps = {"color": colour, "width": 2, "shape": "hv"}
        return {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": taken,
            "y": y,
            "line": steps,
            "hovertemplate": hover,
        }

    settings = (scores.own, *scores.telling)
    dots = {
        "type": "scatter",
        "mode": "markers",
        "name": "thresholds of the table",
        "x": [one.taken.share for one in settings],
        "y": [one.right.share for one in settings],
        "customdata": [threshold_of(one) for one in settings],
        "marker": {"color": "@accent", "size": 9},
        "hovertemplate": f"threshold %{{customdata}}<br>{hover}<extra></extra>",
    }
    axis = {"range": [-0.02, 1.02], "tickformat": PERCENT}
    layout = {
        "height": 340,
        "xaxis": {**axis, "title": {"text": "clips without a gesture that are taken for one"}},
        "yaxis": {**axis, "title": {"text": "gestures"}},
        "showlegend": True,
        "legend": LEGEND,
    }
    data = [line("found", found, "@muted"), line("found, by their right name", right, "@accent"), dots]
    return {"data": data, "layout": layout}


def frame_attention(attention: AttentionScores) -> Chart:
    """Return how much of the attention each share of the clip has, a row a class."""
    middles = [(share + 0.5) / SHARES for share in range(SHARES)]
    hover = "<b>%{y}</b><br>at %{x:.0%} of the clip: %{z:.1%}<extra></extra>"
    chart = _attention(attention, middles, [list(of.frames) for of in attention.classes], hover)
    chart["layout"]["xaxis"] = {
        "tickformat": PERCENT,
        "range": [0, 1],
        "showgrid": False,
        "title": {"text": "of the way through the clip"},
    }
    return chart


def channel_attention(attention: AttentionScores) -> Chart:
    """Return how much of the attention each channel has, a row a class."""
    names = [text(name) for name in attention.channels]
    hover = "<b>%{y}</b><br>%{x}: %{z:.1%}<extra></extra>"
    chart = _attention(attention, names, [list(of.channels) for of in attention.classes], hover)
    chart["layout"]["xaxis"] = {"type": "category", "showgrid": False, "tickangle": -90 if len(names) > 7 else 0}
    chart["narrow"]["layout"]["xaxis"] = {"tickangle": -90 if len(names) > 2 else 0}
    return chart


def _attention(attention: AttentionScores, across: Sequence[Any], weights: list[list[float]], hover: str) -> Chart:
    """Return a heat map: none, an even share and the highest (at least twice that) differ in colour."""
    labels = [text(of.label) for of in attention.classes]
    K, even = len(labels), 1 / len(across)
    highest = max(2 * even, *map(max, weights))
    middle = even / highest
    matrix = {
        "type": "heatmap",
        "x": across,
        "y": labels,
        "z": weights,
        "zmin": 0,
        "zmax": highest,
        "hovertemplate": hover,
        "colorscale": [[0, "@second"], [middle, "@scale0"], [(1 + middle) / 2, "@scale1"], [1, "@scale2"]],
        "colorbar": {"tickformat": PERCENT, "thickness": 10, "outlinewidth": 0},
    }
    names = {
        "type": "category",
        "tickvals": labels,
        "ticktext": [text(of.label, 24) for of in attention.classes],
        "autorange": "reversed",
        "showgrid": False,
        "ticks": "",
        "tickfont": {"size": 12 if K <= MAX_WRITTEN else 8},
    }
    layout = {"height": 110 + max(120, K * (24 if K <= MAX_WRITTEN else 11)), "yaxis": names}
    brief = {"ticktext": [text(of.label, 10) for of in attention.classes], "tickfont": {"size": 10}}
    return {
        "data": [matrix],
        "layout": layout,
        "narrow": {"layout": {"yaxis": brief}, "data": [{"showscale": False}]},
    }


def groups(scores: Scores) -> Chart:
    """Return the accuracy of each group with its 95 % interval, the best at the top."""
    ordered = sorted(scores.groups, key=lambda group: (group.accuracy, group.clips))
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [group.accuracy for group in ordered],
        "y": [text(group.group) for group in ordered],
        "customdata": [[group.correct, group.clips] for group in ordered],
        "marker": {"color": "@accent", "size": 9},
        "error_x": {
            "type": "data",
            "array": [max(0.0, group.interval.high - group.accuracy) for group in ordered],
            "arrayminus": [max(0.0, group.accuracy - group.interval.low) for group in ordered],
            "color": "@accent",
            "thickness": 1,
            "width": 0,
        },
        "hovertemplate": "<b>%{y}</b><br>%{customdata[0]} of %{customdata[1]} clips: %{x:.0%}<extra></extra>",
    }
    names = {
        "type": "category",
        "tickvals": dots["y"],
        "ticktext": [text(group.group, 20) for group in ordered],
        "range": [-0.6, len(ordered) - 0.4],
    }
    layout = {
        "height": 90 + 26 * len(ordered),
        "xaxis": {"range": [-0.02, 1.02], "tickformat": PERCENT, "title": {"text": "share that is right"}},
        "yaxis": {**names, "showgrid": False, "title": {"text": group_words(scores.group_kind)[0]}},
        "shapes": [_line(scores.accuracy, scores.accuracy, 0, 1, "@ink", yref="paper")],
    }
    return {"data": [dots], "layout": layout}


def runs(summary: Summary, names: tuple[str, ...]) -> Chart:
    """Return accuracy and macro F1 of each run, and their means as lines."""
    shown = [text(name) for name in names]

    def dots(spread: Spread, name: str, colour: str, symbol: str) -> Chart:
        marker = {"color": colour, "size": 10, "symbol": symbol}
        return {"type": "scatter", "mode": "markers", "name": name, "x": shown, "y": spread.values, "marker": marker}

    layout = {
        "height": 320,
        "xaxis": {
            "type": "category",
            "tickvals": shown,
            "ticktext": [text(name, 20) for name in names],
            "range": [-0.6, len(names) - 0.4],
            "showgrid": False,
        },
        "yaxis": {"tickformat": PERCENT, "range": [0, 1.02]},
        "shapes": [
            _line(0, 1, summary.accuracy.mean, summary.accuracy.mean, "@accent", xref="paper"),
            _line(0, 1, summary.macro_f1.mean, summary.macro_f1.mean, "@second", xref="paper"),
        ],
        "showlegend": True,
        "legend": LEGEND,
    }
    data = [
        dots(summary.accuracy, "accuracy", "@accent", "circle"),
        dots(summary.macro_f1, "macro F1", "@second", "diamond"),
    ]
    return {"data": data, "layout": layout}
