"""Extraction: trees of videos in, a dataset of points out.

recordings.py   which recordings there are below a folder, and what their names say
clips.py        one recording to one clip
extract.py      all of them, in parallel, resumable, into one dataset
"""

from ademan.extraction.clips import extract_clip
from ademan.extraction.extract import ExtractSummary, extract
from ademan.extraction.options import ExtractOptions, extract_options, landmark_config
from ademan.extraction.recordings import Recording, find_recordings

__all__ = [
    "ExtractOptions",
    "ExtractSummary",
    "Recording",
    "extract",
    "extract_clip",
    "extract_options",
    "find_recordings",
    "landmark_config",
]
