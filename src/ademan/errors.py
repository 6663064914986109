"""Everything that can go wrong by a user's hand, as one tree.

AdemanError
├── SkeletonError        a skeleton's definition contradicts itself, or is unknown
├── ClipError            a clip's points or times are not what a clip needs
├── DatasetError         a dataset file is damaged, unfinished or does not fit
│   ├── SourceError      a file to import cannot be read, or is not of that format
│   └── SplitError       the clips cannot be divided as asked
├── ConfigError          an option is out of its range, or options contradict each other
├── TrainingError        training cannot start or go on
├── EvaluationError      predictions and truth do not fit together, or there is nothing to judge
├── VideoError          a video, folder of pictures or camera cannot be read, or a clip cannot be recorded
├── LandmarkError       networks that look at pictures cannot be fetched, trusted or run
├── BundleError          a bundle is damaged, altered or of another version
├── StorageError         a bucket cannot be reached, holds something else, or is not to be overwritten
├── ServerError          the server cannot start: its port is taken, its certificate cannot be read
├── RequestError         what somebody sent to the server is not what it takes
├── StudioError          the studio's data refuse something; see studio/data/errors.py
├── RemoteError          a server or broker that is used cannot be reached, or refuses
└── MissingExtraError    a feature needs a package that is not installed

A message says what, where, expected, found, and what to do next.
"""

import importlib
from types import ModuleType


class AdemanError(Exception):
    """Base of all errors that a user can cause and mend; the command line prints it without a traceback."""


class SkeletonError(AdemanError):
    """A skeleton's definition contradicts itself, or its name is unknown."""


class ClipError(AdemanError):
    """A clip's points or times are not what a clip needs."""


class DatasetError(AdemanError):
    """A dataset file is damaged, unfinished, or does not fit what is asked of it."""


class SourceError(DatasetError):
    """A file to import cannot be read, or is not of the format it was said to be."""


class SplitError(DatasetError):
    """The clips cannot be divided as asked."""


class ConfigError(AdemanError):
    """An option is out of its range, or two options contradict each other."""


class TrainingError(AdemanError):
    """Training cannot start or go on."""


class EvaluationError(AdemanError):
    """Predictions and truth do not fit together, or there is nothing to judge."""


class BundleError(AdemanError):
    """A bundle is damaged, was altered, or is of another version."""


class StorageError(AdemanError):
    """A bucket cannot be reached, holds something else than was expected, or is not to be overwritten."""


class ServerError(AdemanError):
    """The server cannot start."""


class RequestError(AdemanError):
    """What somebody sent to the server is not what it takes."""


class RemoteError(AdemanError):
    """A server or broker that is used cannot be reached, or refuses."""


class VideoError(AdemanError):
    """A video, a folder of pictures or a camera cannot be read, or a clip cannot be recorded."""


class LandmarkError(AdemanError):
    """The networks that find points cannot be fetched, trusted or run."""


class MissingExtraError(AdemanError):
    """A feature needs a package that is not installed."""


def require(module: str, *, feature: str, extra: str) -> ModuleType:
    """Import a package that only an extra installs.

    Raises:
        MissingExtraError: it is not installed; says which extra brings it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{feature} needs the package '{error.name}', which the base installation leaves out.\n"
            f"Install it:  pip install 'ademan[{extra}]'"
        ) from error
