"""Teach a computer gestures and actions from a few clips, and recognise them anywhere."""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ademan.client import GestureClient
    from ademan.clip import Clip
    from ademan.datasets import Dataset
    from ademan.datasets.audit import inspect
    from ademan.evaluation.evaluate import evaluate
    from ademan.extraction import extract
    from ademan.recognition import Classifier, Recognizer, predict, verify
    from ademan.recognition.calibrate import calibrate
    from ademan.storage import pull, push
    from ademan.training import Recipe, train, train_all

__all__ = [
    "Classifier",
    "Clip",
    "Dataset",
    "GestureClient",
    "Recipe",
    "Recognizer",
    "calibrate",
    "evaluate",
    "extract",
    "inspect",
    "predict",
    "pull",
    "push",
    "train",
    "train_all",
    "verify",
]

_HOMES = {
    "GestureClient": "ademan.client",
    "Clip": "ademan.clip",
    "Dataset": "ademan.datasets",
    "inspect": "ademan.datasets.audit",
    "calibrate": "ademan.recognition.calibrate",
    "evaluate": "ademan.evaluation.evaluate",
    "extract": "ademan.extraction",
    "Classifier": "ademan.recognition",
    "Recognizer": "ademan.recognition",
    "predict": "ademan.recognition",
    "verify": "ademan.recognition",
    "pull": "ademan.storage",
    "push": "ademan.storage",
    "Recipe": "ademan.training",
    "train": "ademan.training",
    "train_all": "ademan.training",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that `import ademan` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ademan' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
