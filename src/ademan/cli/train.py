"""`ademan train`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, ArgumentCollection, Group, Parameter
from cyclopts.config import Dict

from ademan.cli.terminal import out, plain, print_table, warn
from ademan.errors import ConfigError, require

require("lightning", feature="Training", extra="train")

from ademan.datasets.splits import DEFAULT_FRACTIONS, Fractions
from ademan.models import LstmConfig, preset
from ademan.training import Recipe, Run, TrainingConfig, train_all
from ademan.training import train as train_one
from ademan.window import Window

_Flat = Parameter(name="*")
_NETWORK = Group("Network (what the model's preset says, unless given)")


def _fill_in_preset(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Let the named preset answer for what the command line leaves open."""
    model = arguments.get("--model")
    name = model.tokens[-1].value if model is not None and model.tokens else "lstm"
    values = {flag.replace("_", "-"): value for flag, value in asdict(preset(name)).items() if value != ()}
    Dict(values, use_commands_as_keys=False, source=f"model {name}")(app, commands, arguments)


app = App(name="train", config=_fill_in_preset)


@app.default
def train(
    dataset: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    model: str = "lstm",
    split: tuple[str, ...] = ("random",),
    fractions: Fractions = DEFAULT_FRACTIONS,
    split_seed: int = 0,
    seeds: tuple[int, ...] = (),
    network: Annotated[LstmConfig, Parameter(name="*", show_default=False, group=_NETWORK)] = LstmConfig(),
    window: Annotated[Window, _Flat] = Window(),
    training: Annotated[TrainingConfig, _Flat] = TrainingConfig(),
    idle: str = "idle",
    resume: Annotated[bool, Parameter(negative=())] = False,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Train a network, export it as a verified bundle, and judge that.

    Args:
        dataset: file, made by `ademan import`.
        output: folder of the run; with several splits or seeds, the folder of their runs.
        model: preset whose layers are the defaults of the flags below.
        split: random, group:subject (session, source), group:subject:a,b, group:subject:each, official:NAME; or
            several of them.
        fractions: shares of train, validation and test.
        split_seed: of the split.
        seeds: train once with each of these instead of --seed, and print mean and spread.
        idle: the label that means no gesture, if the dataset has it.
        resume: go on with a training that was stopped.
        overwrite: delete a run that is in the output folder.
    """
    if not split:
        raise ConfigError("--split needs a value: random, group:subject, official:NAME, or several.")
    recipe = Recipe(model, network, window, training, split[0], fractions, split_seed, idle)
    told: dict[str, Any] = {"resume": resume, "overwrite": overwrite, "progress": True}
    if len(split) == 1 and not seeds and not split[0].endswith(":each"):
        _print_run(train_one(dataset, output, recipe, **told))
        return
    runs, summary = train_all(dataset, output, recipe, splits=split, seeds=seeds or (training.seed,), **told)
    rows = [(run.folder.name, *_figures(run, "test")) for run in runs]
    print_table(("run", "clips", "accuracy", "95 % interval", "macro F1"), rows)
    accuracy = summary.accuracy
    out.print(f"mean {accuracy.mean:.1%}, standard deviation {(accuracy.deviation or 0):.1%} over {len(runs)} runs")
    out.print(f"report: {plain(output / 'report.html')}")


def _print_run(run: Run) -> None:
    fitted = run.fitted
    out.print(
        f"{run.weights:,} weights ({run.weights_in_keras:,} in Keras, which keeps one bias vector a layer where torch "
        f"keeps two); best epoch {fitted.best_epoch} of {len(fitted.history)}, {fitted.seconds:.1f} s"
    )
    rows = [(part, *_figures(run, part)) for part in run.evaluations]
    print_table((plain(run.split.name), "clips", "accuracy", "95 % interval", "macro F1"), rows)
    for warning in run.split.warnings:
        warn(warning)
    out.print(f"bundle: {plain(run.folder / 'bundle')}")
    out.print(f"report: {plain(run.folder / 'report.html')}")


def _figures(run: Run, part: str) -> tuple[str, ...]:
    scores = run.evaluations[part].scores
    low, high = scores.accuracy_interval.low, scores.accuracy_interval.high
    return str(scores.clips), f"{scores.accuracy:.1%}", f"{low:.1%} to {high:.1%}", f"{scores.macro_f1:.3f}"
