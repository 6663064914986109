"""Recognition: a bundle at work, on clips and on live streams. Needs numpy, onnxruntime and h5py only."""

from ademan.recognition.classifier import Attention, Classifier, Prediction, verify
from ademan.recognition.sources import predict
from ademan.recognition.stream import Due, Event, NamesWindows, Recognizer, StreamConfig, Update

__all__ = [
    "Attention",
    "Classifier",
    "Due",
    "Event",
    "NamesWindows",
    "Prediction",
    "Recognizer",
    "StreamConfig",
    "Update",
    "predict",
    "verify",
]
