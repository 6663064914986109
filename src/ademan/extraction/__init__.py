"""Extraction: trees of videos in, a dataset of points out.

recordings.py   which recordings there are below a folder, and what their names say
clips.py        one recording to one clip of points
extract.py      all of them, in parallel, resumable, into one dataset; work.py has the processes, parts.py what is done
frames.py       frames of videos as folders of pictures; spread.py chooses frames evenly
embed.py        recordings to clips of embeddings, and to a dataset of them
pictures.py     photos and videos to clips of small pictures, and to a dataset of them
extractor.py    what makes of a picture what a model takes: points, an embedding, or a small picture
as_made.py      recordings as a model must see them, by what its training data was made of
"""

from ademan.extraction.as_made import clip_as_made, recordings_as_made
from ademan.extraction.clips import extract_clip
from ademan.extraction.extract import ExtractSummary, extract
from ademan.extraction.extractor import Extractor, check_extractor, open_extractor
from ademan.extraction.options import ExtractOptions, extract_options, landmark_config
from ademan.extraction.recordings import Recording, find_recordings

__all__ = [
    "ExtractOptions",
    "ExtractSummary",
    "Extractor",
    "Recording",
    "check_extractor",
    "clip_as_made",
    "extract",
    "extract_clip",
    "extract_options",
    "find_recordings",
    "landmark_config",
    "open_extractor",
    "recordings_as_made",
]
