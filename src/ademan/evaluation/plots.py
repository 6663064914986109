"""Plots as PNG files.

Figures are made without pyplot: it keeps every figure of the process in a list and wants to open windows.
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ademan.errors import require
from ademan.evaluation.attention import SHARES, AttentionScores
from ademan.evaluation.calibration import ReliabilityBin
from ademan.evaluation.history import History, best_epoch, changes, column, epochs
from ademan.evaluation.intervals import wilson
from ademan.evaluation.metrics import Scores
from ademan.evaluation.words import percent, short
from ademan.files import written_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, INK, FAINT = "#0072B2", "#D55E00", "#009E73", "#222222", "#9A9A9A"
"""Blue, vermilion and green of M. Okabe and K. Ito's palette, which colour-blind people can tell apart."""

MAX_WRITTEN = 30
"""With more classes than this, numbers in the cells of a confusion matrix could not be read."""

DPI = 150

FEATURE = "Drawing plots"
"""What matplotlib is for, where it is missing."""

LINES = {
    "loss": (("train_loss", "training", FAINT), ("val_loss", "validation", BLUE)),
    "accuracy": (
        ("train_accuracy", "training", FAINT),
        ("val_accuracy", "validation", BLUE),
        ("val_f1", "validation F1", ORANGE),
    ),
    "learning rate": (("learning_rate", "learning rate", GREEN),),
}
"""Panel of the learning curves: columns of the history, what they are called, and their colours."""


def plot_confusion(scores: Scores, path: Path) -> None:
    """Draw the confusion matrix: a row a true class, the darker the larger the share of its clips.

    Raises:
        AdemanError: the file cannot be written.
    """
    few = len(scores.labels) <= MAX_WRITTEN
    counts = np.array(scores.confusion)
    share = _shares(counts)
    figure, (axes,) = _figure(_confusion_size(scores.labels))
    axes.set_facecolor("#EFEFEF")
    # Where numbers cannot be written, colour alone must show mistakes of a few percent: its scale is a root there.
    norm = require("matplotlib.colors", feature=FEATURE, extra="train").PowerNorm(1 if few else 0.5, 0, 1)
    image = axes.imshow(share, cmap="Blues", norm=norm)
    _name_classes(axes, scores.labels, 10 if few else 7)
    if few:
        _write_counts(axes, counts, share)
    bar = figure.colorbar(image, shrink=0.6, aspect=16, pad=0.03, ticks=[0, 0.5, 1] if few else [0, 0.1, 0.25, 0.5, 1])
    bar.ax.yaxis.set_major_formatter(_share)
    bar.set_label("share of its row", fontsize=10)
    bar.outline.set_linewidth(0)
    _save(figure, path)


def _confusion_size(labels: tuple[str, ...]) -> tuple[float, float]:
    """Return width and height in inches that give each cell room, beside the longest label and the colour bar."""
    K = len(labels)
    cell, letter = (0.7, 0.09) if K <= 6 else (0.46, 0.09) if K <= MAX_WRITTEN else (0.125, 0.06)
    names = letter * max(len(short(label)) for label in labels) + 0.4
    return names + cell * K + 0.16 * cell * K + 0.8, names + cell * K


def _shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return counts (K, K) as shares of their row; NaN in rows without a clip."""
    support = counts.sum(axis=1, keepdims=True)
    return np.where(support > 0, counts / np.maximum(support, 1), np.nan)


def _name_classes(axes: "Axes", labels: tuple[str, ...], size: int) -> None:
    names = [_plain(label) for label in labels]
    upright = len(names) > 3 or max(map(len, names)) > 10
    axes.set_xticks(range(len(names)), names, rotation=90 if upright else 0, fontsize=size)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted", fontsize=12)
    axes.set_ylabel("true", fontsize=12)


def _write_counts(axes: "Axes", counts: NDArray[np.int64], share: NDArray[np.float64]) -> None:
    for row, col in np.argwhere(counts > 0):
        colour = "white" if share[row, col] > 0.55 else INK
        axes.text(col, row, str(counts[row, col]), ha="center", va="center", color=colour, fontsize=10)


def plot_reliability(scores: Scores, path: Path) -> None:
    """Draw accuracy over confidence, each bin with its 95 % interval, above the number of clips a bin.

    Raises:
        AdemanError: the file cannot be written.
    """
    figure, (curve, histogram) = _figure((5.2, 6.2), rows=2, heights=(3.4, 1))
    curve.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1.4, label="a confidence to believe")
    _reliability_curve(curve, scores.reliability)
    curve.set(xlim=(0, 1.02), ylim=(-0.02, 1.02), ylabel="right")
    curve.set_title(f"calibration error {scores.ece:.3f}")
    curve.yaxis.set_major_formatter(_share)
    curve.xaxis.set_major_formatter(_share)
    curve.legend(frameon=False, loc="upper left", fontsize=10)
    width = 0.92 / len(scores.reliability)
    lefts, clips = [b.low for b in scores.reliability], [b.clips for b in scores.reliability]
    histogram.bar(lefts, clips, width=width, align="edge", color=BLUE)
    histogram.set(xlim=(0, 1.02), xlabel="confidence", ylabel="clips")
    histogram.xaxis.set_major_formatter(_share)
    histogram.locator_params(axis="y", integer=True, nbins=3)
    _save(figure, path)


def _reliability_curve(axes: "Axes", bins: tuple[ReliabilityBin, ...]) -> None:
    used = [(b.mean_confidence, b.accuracy, b.clips) for b in bins if b.clips]
    x, y, clips = np.array(used, np.float64).T
    intervals = [wilson(round(a * n), int(n)) for a, n in zip(y, clips, strict=True)]
    # Rounding can leave an end a hair inside the value, and a bar of negative length is an error.
    below = np.maximum(0, y - [i.low for i in intervals])
    above = np.maximum(0, [i.high for i in intervals] - y)
    axes.errorbar(x, y, yerr=(below, above), color=BLUE, marker="o", elinewidth=1, label="as it is")


def plot_history(history: History, path: Path, best: float | None = None) -> None:
    """Draw loss, accuracy and, if it changed, learning rate over epochs; mark the best epoch.

    Args:
        history: one row an epoch.
        path: of the PNG file.
        best: number of the epoch that was kept; chosen by the history if not given.

    Raises:
        AdemanError: the file cannot be written.
    """
    best = best_epoch(history) if best is None else best
    panels = [panel for panel in LINES if panel != "learning rate" or changes(history, "learning_rate")]
    figure, all_axes = _figure((4.6 * len(panels), 3.8), cols=len(panels))
    for axes, panel in zip(all_axes, panels, strict=True):
        _curves(axes, history, panel)
        if best is not None:
            axes.axvline(best, color=INK, linestyle=":", linewidth=1.2, label=f"best: epoch {best:g}")
        if axes.get_legend_handles_labels()[0] and panel != "learning rate":
            axes.legend(frameon=False, fontsize=10)
    _save(figure, path)


def _curves(axes: "Axes", history: History, panel: str) -> None:
    x = epochs(history)
    for name, shown, colour in LINES[panel]:
        y = [np.nan if value is None else value for value in column(history, name)]
        if not np.isnan(y).all():
            # A line through a single epoch cannot be seen.
            axes.plot(x, y, color=colour, label=shown, marker="o" if len(x) < 3 else "")
    axes.set(title=panel, xlabel="epoch")
    axes.locator_params(axis="x", integer=True)
    if panel == "accuracy":
        axes.set_ylim(-0.02, 1.02)
        axes.yaxis.set_major_formatter(_share)
    if panel == "learning rate":
        axes.set_yscale("log")


def plot_class_f1(scores: Scores, path: Path) -> None:
    """Draw the F1 of each class that has clips, the best at the top, with its number of clips.

    Raises:
        AdemanError: the file cannot be written.
    """
    known = sorted((c.f1, c.label, c.support) for c in scores.classes if c.f1 is not None)
    few = len(known) <= MAX_WRITTEN
    figure, (axes,) = _figure((6.4, 1.3 + (0.3 if few else 0.18) * len(known)))
    bars = axes.barh(range(len(known)), [f1 for f1, _, _ in known], height=0.72, color=BLUE)
    size = 10 if few else 8
    white = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    axes.bar_label(bars, [f"{f1:.2f}" for f1, _, _ in known], padding=4, fontsize=size, color=INK, bbox=white)
    axes.axvline(scores.macro_f1, color=ORANGE, linewidth=1.4, zorder=0)
    axes.set_yticks(range(len(known)), [f"{_plain(label)}  ({clips})" for _, label, clips in known], fontsize=size)
    axes.set(xlim=(0, 1.1), ylim=(-0.7, len(known) - 0.3), xlabel="F1  (clips in brackets)")
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.tick_params(axis="y", length=0)
    axes.set_title(f"macro F1 {scores.macro_f1:.2f}", color=ORANGE)
    _save(figure, path)


def plot_frame_attention(attention: AttentionScores, path: Path) -> None:
    """Draw how much of the attention each share of the clip has, a row a class: blue is more than an even share.

    Raises:
        AdemanError: the file cannot be written.
    """
    figure, (axes,) = _figure(_attention_size(attention, 5.0))
    weights = np.array([of.frames for of in attention.classes])
    told = f"attention of each {SHARES}th of the clip"
    _attention_map(figure, axes, weights, told, extent=(0, 1, len(weights) - 0.5, -0.5))
    axes.xaxis.set_major_formatter(_share)
    axes.set_xlabel("of the way through the clip")
    _name_rows(axes, attention)
    _save(figure, path)


def plot_channel_attention(attention: AttentionScores, path: Path) -> None:
    """Draw how much of the attention each channel has, a row a class: blue is more than an even share.

    Raises:
        AdemanError: the file cannot be written.
    """
    figure, (axes,) = _figure(_attention_size(attention, max(2.0, 0.6 * len(attention.channels))))
    weights = np.array([of.channels for of in attention.classes])
    few = len(attention.classes) <= MAX_WRITTEN
    _attention_map(figure, axes, weights, "attention, in percent" if few else "attention")
    axes.set_xticks(range(len(attention.channels)), [_plain(name) for name in attention.channels], rotation=90)
    axes.tick_params(axis="x", length=0)
    _name_rows(axes, attention)
    if few:
        for row, col in np.ndindex(weights.shape):
            colour = "white" if weights[row, col] > 0.8 * _highest(weights) else INK
            axes.text(col, row, f"{100 * weights[row, col]:.0f}", ha="center", va="center", color=colour, fontsize=9)
    _save(figure, path)


def _attention_size(attention: AttentionScores, width: float) -> tuple[float, float]:
    """Return width and height in inches of a heat map so wide, its names and colour bar beside it."""
    few = len(attention.classes) <= MAX_WRITTEN
    names = (0.09 if few else 0.06) * max(len(short(of.label)) for of in attention.classes)
    return width + names + 1.6, 1.9 + (0.3 if few else 0.125) * len(attention.classes)


def _attention_map(figure: "Figure", axes: "Axes", weights: NDArray[np.float64], name: str, **more: Any) -> None:
    """Draw weights (K, n) from orange, none, over white, an even share 1 / n, to blue, the highest or twice as much."""
    colors = require("matplotlib.colors", feature=FEATURE, extra="train")
    even, highest = 1 / weights.shape[1], _highest(weights)
    scale = colors.LinearSegmentedColormap.from_list("attention", [ORANGE, "white", BLUE])
    image = axes.imshow(weights, cmap=scale, norm=colors.TwoSlopeNorm(even, 0, highest), aspect="auto", **more)
    ticks = [0, even / 2, even, (even + highest) / 2, highest]
    bar = figure.colorbar(image, ax=axes, aspect=16, pad=0.03, ticks=ticks)
    bar.ax.yaxis.set_major_formatter(_fine_share)
    bar.set_label(name, fontsize=10)


def _highest(weights: NDArray[np.float64]) -> float:
    """Return the upper end of the scale of weights (K, n)."""
    return float(max(2 / weights.shape[1], weights.max()))


def _name_rows(axes: "Axes", attention: AttentionScores) -> None:
    size = 10 if len(attention.classes) <= MAX_WRITTEN else 7
    axes.set_yticks(range(len(attention.classes)), [_plain(of.label) for of in attention.classes], fontsize=size)
    axes.tick_params(axis="y", length=0)


def _figure(
    size_wh: tuple[float, float], rows: int = 1, cols: int = 1, heights: tuple[float, ...] | None = None
) -> tuple["Figure", list["Axes"]]:
    """Return a figure of a size in inches with rows x cols panels, and the panels in reading order.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    module = require("matplotlib.figure", feature=FEATURE, extra="train")
    figure: Figure = module.Figure(figsize=size_wh, dpi=DPI, layout="constrained")
    panels = figure.subplots(rows, cols, squeeze=False, gridspec_kw={"height_ratios": heights})
    for axes in panels.flat:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=10)
        axes.xaxis.label.set_size(11)
        axes.yaxis.label.set_size(11)
        axes.title.set_size(12)
    return figure, list(panels.flat)


def _save(figure: "Figure", path: Path) -> None:
    with written_whole(path) as beside, warnings.catch_warnings():
        # A label may be in a script, or an emoji, that matplotlib's own font lacks: it shows as a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure.savefig(beside, format="png", bbox_inches="tight")


def _share(value: float, _position: float) -> str:
    """Write a tick: 0.5 as 50 %."""
    return percent(abs(value))


def _fine_share(value: float, _position: float) -> str:
    """Write a tick: 0.125 as 12.5 %."""
    return f"{100 * value:.3g} %"


def _plain(label: str) -> str:
    """Return a label as matplotlib shows it, short and not taken for a formula."""
    return short(label).replace("$", r"\$")
