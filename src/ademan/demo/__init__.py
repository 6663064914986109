"""The demo: the whole way from recordings to events with made-up hands; no camera, no download, no data."""

from ademan.demo.demo import (
    Shown,
    animate,
    make_dataset,
    make_model,
    make_stream,
    recognise,
    told,
)

__all__ = [
    "Shown",
    "animate",
    "make_dataset",
    "make_model",
    "make_stream",
    "recognise",
    "told",
]
