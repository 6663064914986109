"""The command line: one file a verb, imported when it is called, so that `ademan --help` answers at once."""

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches

from cyclopts import App, CycloptsError, Parameter

import ademan
from ademan.errors import AdemanError, ConfigError

app = App(
    name="ademan",
    help=ademan.__doc__,
    version=ademan.__version__,
    default_parameter=Parameter(consume_multiple=True, negative_iterable=()),
    help_format="markdown",
    suppress_keyboard_interrupt=False,  # `main` says so
)
VERBS = {
    "demo": ("demo:demo", "Made-up hands, trained, judged, exported and recognised live; no camera needed."),
    "capture": ("capture:capture", "Record clips of a gesture with a camera."),
    "extract": ("extract:extract", "Find the points of hands or bodies in videos, and write them as a dataset."),
    "frames": ("frames:frames", "Take frames of videos, evenly spread, as folders of pictures."),
    "embed": ("embed:embed", "Make embeddings of videos or frame folders by ViT and ResNeXt, and write a dataset."),
    "pictures": ("pictures:pictures", "Cut hands or silhouettes out of photos and videos, and write a dataset."),
    "import": ("import_:app", "Turn public or older data into a dataset: pyskl, npz, csv, hdf5."),
    "inspect": ("inspect:inspect", "Look a dataset over: counts, lengths, missing points, copies, what a split leaks."),
    "train": ("train:app", "Train a network, export it as a verified bundle, and judge that."),
    "evaluate": ("evaluate:evaluate", "Judge a bundle on a dataset."),
    "calibrate": ("calibrate:calibrate", "Set a bundle's thresholds on recordings of people who make no gesture."),
    "predict": ("predict:predict", "Name the gestures in videos, or the clips of a dataset, pickle or npz file."),
    "live": ("live:live", "Recognise live: a camera, or a file played as one."),
    "serve": ("serve:serve", "Let a bundle answer over the network: points, clips, live streams, its own camera."),
    "client": ("client:client", "Find points here, and have them recognised by a server elsewhere."),
    "studio": ("studio:studio", "Record gestures in a browser, review them, train on them and try the model."),
    "worker": ("worker:worker", "Do the studio's work: train its models when somebody, or the schedule, asks for it."),
    "retrain": (
        "retrain:retrain",
        "Ask for a new model of a gesture set of the studio; it goes live only if it is better.",
    ),
    "backup": ("backup:backup", "Write all of a studio into one file, while it runs."),
    "restore": ("restore:restore", "Bring a backup back into an empty studio, on either database."),
    "push": ("push:push", "Send a dataset, a bundle or another file into a bucket of S3."),
    "pull": ("pull:pull", "Fetch a dataset, a bundle or another file from a bucket, whole and proven."),
    "verify": ("verify:verify", "Check that a bundle is whole, unaltered, and answers as it did when exported."),
    "export": ("export:export", "Write a dataset as npz for other programs, or a bundle as one file."),
    "models": ("models:app", "The networks that find points: where they are kept, and how to fetch them."),
}
for verb, (place, told) in VERBS.items():
    app.command(f"ademan.cli.{place}", name=verb, help=told)


def _check_verb(given: Sequence[str]) -> None:
    """Refuse an unknown verb; cyclopts would import all of them first to say so."""
    if given and not given[0].startswith("-") and given[0] not in VERBS:
        close = get_close_matches(given[0], VERBS, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else f"There are: {', '.join(VERBS)}."
        print(f"ademan: there is no verb '{given[0]}'. {hint}", file=sys.stderr)  # noqa: T201
        sys.exit(2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and leave the process.

    0: done. 1: failed, with one message. 2: wrong usage, or an option out of range. 130: stopped by Ctrl-C.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _check_verb(given)
        result = app(given, exit_on_error=False, result_action="return_value")
    except CycloptsError:
        sys.exit(2)  # the message is printed already
    except AdemanError as error:
        print(f"ademan: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2 if isinstance(error, ConfigError) else 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has gone: say no more
        sys.exit(1)
    except KeyboardInterrupt:
        print("ademan: stopped; nothing half-written was left.", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    sys.exit(result if isinstance(result, int) else 0)
