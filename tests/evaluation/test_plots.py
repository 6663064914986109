from collections.abc import Callable
from pathlib import Path

import pytest

from ademan.errors import AdemanError
from ademan.evaluation import Scores, plots, score
from ademan.evaluation.plots import plot_class_f1, plot_confusion, plot_history, plot_reliability
from tests.evaluation.conftest import certain, predictions

HISTORY = [
    {"epoch": e, "train_loss": 1 / e, "val_loss": 1.1 / e, "val_accuracy": 1 - 1 / e, "learning_rate": 0.1 / e}
    for e in (1, 2, 3)
]
SCORE_PLOTS = [plot_confusion, plot_reliability, plot_class_f1]


def size_wh(path: Path) -> tuple[int, int]:
    """Width and height of a PNG, from its header; a file that is none fails."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


@pytest.mark.parametrize("plot", SCORE_PLOTS)
@pytest.mark.parametrize("K", [2, 21, 101])
def test_a_plot_has_room_for_few_and_many_classes(plot: Callable[[Scores, Path], None], K: int, tmp_path: Path) -> None:
    plot(score(predictions(200, tuple(f"class number {k}" for k in range(K)))), tmp_path / "new" / "plot.png")
    width, height = size_wh(tmp_path / "new" / "plot.png")
    assert 300 < min(width, height) < max(width, height) < 4000
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["plot.png"]


@pytest.mark.parametrize("plot", SCORE_PLOTS)
def test_labels_that_are_formulas_long_or_in_any_script_are_drawn(
    plot: Callable[[Scores, Path], None], tmp_path: Path
) -> None:
    labels = ("$x_{", "a$b$c", "no\nyes " * 20, "挨拶 👋", "<b>", "")
    plot(score(predictions(30, labels)), tmp_path / "plot.png")
    assert size_wh(tmp_path / "plot.png")


@pytest.mark.parametrize("plot", SCORE_PLOTS)
@pytest.mark.parametrize("predicted", [0, 1])
def test_one_clip_and_classes_without_clips_are_drawn(
    plot: Callable[[Scores, Path], None], predicted: int, tmp_path: Path
) -> None:
    plot(score(certain([0], [predicted])), tmp_path / "plot.png")
    assert size_wh(tmp_path / "plot.png")


@pytest.mark.parametrize(
    "history",
    [
        HISTORY,
        HISTORY[:1],
        [{**row, "learning_rate": 0.1} for row in HISTORY],
        [{"epoch": 1, "train_loss": "", "val_loss": None}, {"epoch": 2, "train_loss": "0.3"}],
        [{"epoch": 1}],
    ],
)
def test_learning_curves_are_drawn_with_gaps_and_with_columns_missing(
    history: list[dict[str, object]], tmp_path: Path
) -> None:
    plot_history(history, tmp_path / "history.png")
    assert size_wh(tmp_path / "history.png")


def test_the_best_epoch_is_marked_in_each_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(plots, "_save", lambda figure, _path: drawn.append(figure))
    plot_history(HISTORY, tmp_path / "history.png", best=2)
    titles = [axes.get_title() for axes in drawn[0].axes]
    assert titles == ["loss", "accuracy", "learning rate"]
    assert all("best: epoch 2" in [line.get_label() for line in axes.lines] for axes in drawn[0].axes)


def test_counts_are_written_for_few_classes_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(plots, "_save", lambda figure, _path: drawn.append(figure))
    for K in (3, plots.MAX_WRITTEN, plots.MAX_WRITTEN + 1):
        plot_confusion(score(predictions(200, tuple(map(str, range(K))))), tmp_path / "confusion.png")
    written = [sum(int(text.get_text()) for text in figure.axes[0].texts) for figure in drawn]
    assert written == [200, 200, 0]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AdemanError, match=r"confusion\.png was not written"):
        plot_confusion(score(certain([0], [0])), tmp_path / "file" / "confusion.png")
