"""Prediction of what is on disk: a dataset, one clip of it, one video of a pickle, an npz file, videos."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from ademan.bundle import Manifest
from ademan.clip import Clip
from ademan.datasets import Dataset
from ademan.datasets.importers import npz, pyskl
from ademan.errors import BundleError, SourceError, VideoError
from ademan.extraction import clip_as_made, open_extractor, recordings_as_made
from ademan.files import write_json
from ademan.recognition.classifier import Classifier, Prediction
from ademan.recognition.taken import as_taken
from ademan.skeleton import BUILT_IN
from ademan.video import PICTURE_SUFFIXES, VIDEO_SUFFIXES

Options = TypeVar("Options", pyskl.PysklOptions, npz.NpzOptions)


def predict(
    bundle: Path | str | Classifier,
    source: str | Path,
    passed_over: Callable[[Clip], None] | None = None,
    unreadable: Callable[[str, VideoError], None] | None = None,
) -> Iterator[Prediction]:
    """Name the clips of a source; see `clips_of` for what that may be.

    Args:
        bundle: folder, .zip, or a classifier that is loaded.
        source: a file, a folder of videos, or one clip of a file.
        passed_over: called with a clip in which the model sees nothing, instead of an error.
        unreadable: called with the id of a video that cannot be read and the reason, instead of an error.

    Raises:
        AdemanError: as `clips_of`.
        ClipError: a clip is not of the kind that the bundle takes.
    """
    classifier = bundle if isinstance(bundle, Classifier) else Classifier(bundle)
    return classifier.predict_all(clips_of(source, classifier.manifest, unreadable), passed_over)


def clips_of(
    source: str | Path, manifest: Manifest, unreadable: Callable[[str, VideoError], None] | None = None
) -> Iterator[Clip]:
    """Give the clips of a source, of the kind that a bundle takes.

    A pickle or npz file is read as the manifest says that the training data was: the same person of several, the same
    least score, the same frame rate. In videos the points are found as they were found for training.

    Args:
        source: DATASET.h5, DATASET.h5#CLIP_ID, ANNOTATIONS.pkl#VIDEO_ID, ANNOTATIONS.pkl, FILE.npz[#CLIP_ID],
            a video file, or a folder of videos or pictures.
        manifest: of the bundle.
        unreadable: called with the id of a video that cannot be read and the reason, instead of an error.

    Raises:
        SourceError: it is none of these, or cannot be read.
        DatasetError: the dataset is damaged, or has no such clip.
        VideoError: a video cannot be read to its end.
        ConfigError: no landmarker finds the points that the bundle takes.
    """
    name, _, clip_id = str(source).partition("#")
    readers = {".h5": _dataset, ".hdf5": _dataset, ".pkl": _pickle, ".pickle": _pickle, ".npz": _npz}
    path = Path(name)
    if path.suffix in readers:
        return readers[path.suffix](path, clip_id, manifest)
    if path.is_dir() or path.suffix.lower() in VIDEO_SUFFIXES | PICTURE_SUFFIXES:
        return _videos(path, manifest, unreadable)
    raise SourceError(
        f"{name}: expected a video, a folder of videos, or a file that ends in {', '.join(readers)}; "
        f"found '{path.suffix}'."
    )


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


def _videos(path: Path, manifest: Manifest, unreadable: Callable[[str, VideoError], None] | None) -> Iterator[Clip]:
    recordings = recordings_as_made(path, manifest.points)
    with closing(open_extractor(manifest.points, manifest.skeleton)) as extractor:
        for recording in recordings:
            try:
                clip = clip_as_made(recording, extractor, manifest.points)
            except VideoError as error:
                if unreadable is None:
                    raise
                unreadable(recording.id, error)
                continue
            points = as_taken(clip.points, clip.image_wh or (1, 1), manifest)
            yield replace(clip, points=points, coordinates=manifest.coordinates)


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
