"""Prediction of what is on disk: a dataset, one clip of it, one video of a pickle, an npz file."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from ademan.bundle import Manifest
from ademan.clip import Clip
from ademan.datasets import Dataset
from ademan.datasets.importers import npz, pyskl
from ademan.errors import BundleError, SourceError
from ademan.files import write_json
from ademan.recognition.classifier import Classifier, Prediction
from ademan.skeleton import BUILT_IN

Options = TypeVar("Options", pyskl.PysklOptions, npz.NpzOptions)


def predict(
    bundle: Path | str | Classifier, source: str | Path, passed_over: Callable[[Clip], None] | None = None
) -> Iterator[Prediction]:
    """Name the clips of a source.

    A pickle or npz file is read as the bundle's manifest says that its training data was: the same person of several,
    the same least score, the same frame rate.

    Args:
        bundle: folder, .zip, or a classifier that is loaded.
        passed_over: called with a clip in which the model sees nothing, instead of an error.
        source: DATASET.h5, DATASET.h5#CLIP_ID, ANNOTATIONS.pkl#VIDEO_ID, ANNOTATIONS.pkl, or FILE.npz[#CLIP_ID].

    Raises:
        SourceError: it is none of these, or cannot be read.
        DatasetError: the dataset is damaged, or has no such clip.
        ClipError: a clip is not of the kind that the bundle takes.
    """
    classifier = bundle if isinstance(bundle, Classifier) else Classifier(bundle)
    name, _, clip_id = str(source).partition("#")
    readers = {".h5": _dataset, ".hdf5": _dataset, ".pkl": _pickle, ".pickle": _pickle, ".npz": _npz}
    path = Path(name)
    if path.suffix not in readers:
        raise SourceError(f"{name}: expected a file that ends in {', '.join(readers)}; found '{path.suffix}'.")
    clips = readers[path.suffix](path, clip_id, classifier.manifest)
    return classifier.predict_all(clips, passed_over)


def _dataset(path: Path, clip_id: str, _: Manifest) -> Iterator[Clip]:
    with Dataset(path) as dataset:
        if clip_id:
            yield dataset[dataset.find(clip_id)]
        else:
            yield from dataset


def _pickle(path: Path, clip_id: str, manifest: Manifest) -> Iterator[Clip]:
    with _as_trained(manifest, pyskl.PysklOptions) as options:
        if clip_id:
            yield pyskl.clip(path, clip_id, options)
        else:
            yield from _clips(pyskl.read(path, options).clips)


def _npz(path: Path, clip_id: str, manifest: Manifest) -> Iterator[Clip]:
    with _as_trained(manifest, npz.NpzOptions) as options:
        clips = list(_clips(npz.read(path, options).clips))
    chosen = [clip for clip in clips if clip_id in ("", clip.id)]
    if not chosen:
        raise SourceError(f"{path} has no clip '{clip_id}'. Its clips are called {clips[0].id} to {clips[-1].id}.")
    yield from chosen


def _clips(items: Iterable[Any]) -> Iterator[Clip]:
    return (item for item in items if isinstance(item, Clip))


@contextmanager
def _as_trained(manifest: Manifest, kind: type[Options]) -> Iterator[Options]:
    """Give the importer's options that the training data was read with, but for its choice of classes."""
    saved = manifest.points.get("options")
    saved = saved if isinstance(saved, dict) else {}
    wanted = {f.name for f in fields(kind)} - {"classes", "labels", "skeleton"}
    with tempfile.TemporaryDirectory() as folder:
        skeleton = manifest.skeleton.name
        if skeleton not in BUILT_IN:
            skeleton = f"{folder}/skeleton.json"
            write_json(Path(skeleton), manifest.skeleton.to_json())
        try:
            options = kind(**{name: value for name, value in saved.items() if name in wanted}, skeleton=skeleton)
        except TypeError as error:
            raise BundleError(f"the manifest's options of {kind.__name__} are damaged: {error}.") from error
        yield options
