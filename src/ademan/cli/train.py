"""`ademan train`."""

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, ArgumentCollection, Group, Parameter
from cyclopts.config import Dict

from ademan.cli.terminal import out, plain, print_table, warn
from ademan.errors import ConfigError, require

require("lightning", feature="Training", extra="train")

from ademan.augmentation import OFF, Augmentation
from ademan.augmentation.pictures import PICTURES_OFF, PictureAugmentation
from ademan.datasets.splits import DEFAULT_FRACTIONS, Fractions
from ademan.evaluation import Summary
from ademan.models import (
    DEFAULT,
    NETWORKS,
    AttentionConfig,
    CnnConfig,
    LstmConfig,
    NetworkConfig,
    TcnConfig,
    kind_of,
)
from ademan.training import Recipe, Run, TrainingConfig, recipe, train_all
from ademan.training import train as train_one
from ademan.window import Window

_Flat = Parameter(name="*")
_TCN = Group("Network tcn")
_LSTM = Group("Networks lstm (what the preset says, unless given)")
_ATTENTION = Group("Networks bilstm-attention (what the preset says, unless given)")
_CNN = Group("Network cnn")
_PICTURES = Group("Augmentation of pictures (cnn)")
_TRAINING = Group("Training (what the preset says, unless given)")
_AUGMENTATION = Group("Augmentation of points (off for the lstm presets unless given)")
_WINDOW = Group("Window (what the preset says, unless given)")
_DEFAULTS = Recipe()


def _fill_in_preset(app: App, _commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Let the named preset answer for what the command line leaves open."""
    model = arguments.get("--model")
    name = model.tokens[-1].value if model is not None and model.tokens else DEFAULT
    settled = recipe(name)
    given = {argument.name.removeprefix("--").replace("-", "_") for argument in arguments if argument.tokens}
    _refuse_flags_of_others(name, kind_of(settled.layers), given)
    changes = {**asdict(settled.augmentation), **asdict(settled.pictures)}
    values = {**asdict(settled.layers), **asdict(settled.training), **changes}
    if "fit" not in given:
        values |= asdict(settled.window)
    flags = {flag.replace("_", "-"): value for flag, value in values.items() if value not in ((), None)}
    # As of no command: else cyclopts leaves out a flag that is called like another verb, such as --frames.
    Dict(flags, source=f"model {name}")(app, (), arguments)


def _refuse_flags_of_others(model: str, kind: str, given: set[str]) -> None:
    """Refuse a flag that the model's kind of network has no use for."""
    for other, (config, _) in NETWORKS.items():
        foreign = sorted({field.name for field in fields(config)} & given)
        if other != kind and foreign:
            flag = "--" + foreign[0].replace("_", "-")
            raise ConfigError(f"{flag} is for networks of the kind {other}; '{model}' is none. Choose another --model.")
    for changed, names in (("points", fields(Augmentation)), ("pictures", fields(PictureAugmentation))):
        foreign = sorted({field.name for field in names} & given)
        if foreign and (changed == "pictures") != (kind == "cnn"):
            flag = "--" + foreign[0].replace("_", "-")
            raise ConfigError(f"{flag} changes {changed}, which '{model}' does not read. Leave it out.")


app = App(name="train", config=_fill_in_preset)


@app.default
def train(
    dataset: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    model: str = DEFAULT,
    split: tuple[str, ...] = ("random",),
    fractions: Fractions = DEFAULT_FRACTIONS,
    split_seed: int = 0,
    seeds: tuple[int, ...] = (),
    tcn: Annotated[TcnConfig, Parameter(name="*", group=_TCN)] = TcnConfig(),
    lstm: Annotated[LstmConfig, Parameter(name="*", show_default=False, group=_LSTM)] = LstmConfig(),
    attention: Annotated[
        AttentionConfig, Parameter(name="*", show_default=False, group=_ATTENTION)
    ] = AttentionConfig(),
    cnn: Annotated[CnnConfig, Parameter(name="*", group=_CNN)] = CnnConfig(),
    window: Annotated[Window, Parameter(name="*", show_default=False, group=_WINDOW)] = _DEFAULTS.window,
    training: Annotated[TrainingConfig, Parameter(name="*", show_default=False, group=_TRAINING)] = _DEFAULTS.training,
    augmentation: Annotated[Augmentation, Parameter(name="*", group=_AUGMENTATION)] = _DEFAULTS.augmentation,
    pictures: Annotated[PictureAugmentation, Parameter(name="*", group=_PICTURES)] = _DEFAULTS.pictures,
    augment: bool = True,
    idle: str = "idle",
    background: tuple[str, ...] = (),
    resume: Annotated[bool, Parameter(negative=())] = False,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Train a network, export it as a verified bundle, and judge that.

    Args:
        dataset: file, made by `ademan import`.
        output: folder of the run; with several splits or seeds, the folder of their runs.
        model: preset whose layers are the defaults of the flags below.
        split: random, group:subject (session, source), group:subject:a,b, group:subject:each,
            shots:5:subject:a (each), official:NAME; or several of them.
        fractions: shares of train, validation and test.
        split_seed: of the split.
        seeds: train once with each of these instead of --seed, and print mean and spread.
        augment: change the clips that are learnt from, each time anew, so that few of them go further.
        idle: the label that means no gesture, if the dataset has it.
        background: what to learn as idle besides: 'made-up' (idle hands, gestures cut through), or files of clips that
            show none of the gestures; the model gains the label if the dataset has none.
        resume: go on with a training that was stopped.
        overwrite: delete a run that is in the output folder.
    """
    if not split:
        raise ConfigError("--split needs a value: random, group:subject, official:NAME, or several.")
    networks: tuple[NetworkConfig, ...] = (tcn, lstm, attention, cnn)
    network = next(given for given in networks if isinstance(given, type(recipe(model).layers)))
    chosen = Recipe(model, network, window, training, augmentation if augment else OFF, split[0], fractions)
    chosen = replace(chosen, split_seed=split_seed, idle=idle, background=background)
    chosen = replace(chosen, pictures=pictures if augment else PICTURES_OFF)
    told: dict[str, Any] = {"resume": resume, "overwrite": overwrite, "progress": True}
    if len(split) == 1 and not seeds and not split[0].endswith(":each"):
        _print_run(train_one(dataset, output, chosen, **told))
        return
    runs, summary = train_all(dataset, output, chosen, splits=split, seeds=seeds or (training.seed,), **told)
    _print_runs(runs, summary, output)


def _print_runs(runs: list[Run], summary: Summary, output: Path) -> None:
    rows = [(run.folder.name, *_figures(run, "test")) for run in runs]
    print_table(("run", "clips", "accuracy", "95 % interval", "macro F1"), rows)
    accuracy = summary.accuracy
    out.print(f"mean {accuracy.mean:.1%}, standard deviation {(accuracy.deviation or 0):.1%} over {len(runs)} runs")
    low, high = summary.interval.low, summary.interval.high
    out.print(f"95 % interval of {summary.clips} clips: {low:.1%} to {high:.1%}")
    seconds = [run.fitted.seconds for run in runs]
    out.print(f"{runs[0].weights:,} weights; {min(seconds):.0f} to {max(seconds):.0f} s a training")
    out.print(f"report: {plain(output / 'report.html')}")


def _print_run(run: Run) -> None:
    fitted = run.fitted
    in_keras = (
        f" ({run.weights_in_keras:,} in Keras, which keeps one bias vector a layer where torch keeps two)"
        if run.weights_in_keras != run.weights
        else ""
    )
    out.print(
        f"{run.weights:,} weights{in_keras}; epoch {fitted.best_epoch} of {len(fitted.history)} kept, "
        f"{fitted.seconds:.1f} s"
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
