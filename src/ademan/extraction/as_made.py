"""Recordings as a model must see them: found, and made into clips, as those were that it was trained on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ademan.clip import Clip
from ademan.extraction.clips import extract_clip
from ademan.extraction.embed import embed_as_made
from ademan.extraction.extractor import BY_EMBED, BY_PICTURES, Extractor
from ademan.extraction.options import extract_options
from ademan.extraction.pictures import find_pictures, picture_as_made, picture_options
from ademan.extraction.recordings import Recording, find_recordings


def recordings_as_made(path: Path, made: Mapping[str, Any]) -> list[Recording]:
    """Return what there is to name in a file or below a folder: videos and frame folders, and photos for some models.

    Args:
        path: a video or photo, or a folder.
        made: how the dataset was made that trained the model, see `Manifest.points`.

    Raises:
        SourceError: there is nothing.
        BundleError: `made` is damaged.
    """
    if made.get("by") == BY_PICTURES:
        return find_pictures(path, picture_options(made).pattern)
    return find_recordings(path, extract_options(made).pattern)


def clip_as_made(recording: Recording, extractor: Extractor, made: Mapping[str, Any]) -> Clip:
    """Return a recording as a clip, of the frames that the training's clips were made of.

    Args:
        recording: a video, frame folder or photo.
        extractor: that `open_extractor` gave.
        made: as above.

    Raises:
        VideoError: the recording cannot be read to its end, or has no frame.
        BundleError: `made` is damaged.
    """
    if made.get("by") == BY_EMBED:
        return embed_as_made(recording, extractor, made)
    if made.get("by") == BY_PICTURES:
        return picture_as_made(recording, extractor, made)
    options = extract_options(made)
    return extract_clip(recording, extractor, every=options.every, size=options.size)
