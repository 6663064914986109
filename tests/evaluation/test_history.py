import pytest

from ademan.evaluation.history import best_epoch, changes, column, epochs


def test_text_as_csv_files_give_it_is_read_as_numbers() -> None:
    history = [{"epoch": "0", "val_loss": "1.5"}, {"epoch": "1", "val_loss": ""}, {"epoch": "2", "val_loss": "nan"}, {}]
    assert column(history, "val_loss") == [1.5, None, None, None]
    assert epochs(history) == [0, 1, 2, 4]


@pytest.mark.parametrize(
    ("names", "best"),
    [(("val_f1", "val_accuracy", "val_loss"), 2), (("val_accuracy", "val_loss"), 3), (("val_loss",), 1)],
)
def test_the_best_epoch_goes_by_f1_then_accuracy_then_loss(names: tuple[str, ...], best: float) -> None:
    table = {"val_f1": (0.0, 0.7, 0.7), "val_accuracy": (0.1, 0.2, 0.3), "val_loss": (0.0, 2.0, 3.0)}
    history = [{"epoch": n + 1, **{name: table[name][n] for name in names}} for n in range(3)]
    assert best_epoch(history) == best


def test_without_validation_no_epoch_is_the_best() -> None:
    assert best_epoch([{"epoch": 1, "train_loss": 0.5}]) is None


def test_a_constant_does_not_change() -> None:
    assert not changes([{"learning_rate": 0.1}, {"learning_rate": 0.1}, {}], "learning_rate")
    assert changes([{"learning_rate": 0.1}, {"learning_rate": 0.2}], "learning_rate")
