"""Pictures to learn from as they are: the crop of a hand, or the silhouette of what moves. One of OpenCV's homes.

config.py        what is cut out of a frame, and how
values.py        a picture as the rows of a clip
hand.py          the hand, found by a landmarker
background.py    the empty scene: from a file, or learnt from frames
silhouette.py    what differs from the empty scene
extractor.py     opens one or the other
"""

from ademan.pictures.background import BACKGROUND_VARIABLE
from ademan.pictures.config import PictureConfig
from ademan.pictures.extractor import PictureExtractor, open_cutter, open_pictures, picture_config
from ademan.pictures.hand import HandCrops
from ademan.pictures.silhouette import Silhouettes
from ademan.pictures.values import as_picture, as_values

__all__ = [
    "BACKGROUND_VARIABLE",
    "HandCrops",
    "PictureConfig",
    "PictureExtractor",
    "Silhouettes",
    "as_picture",
    "as_values",
    "open_cutter",
    "open_pictures",
    "picture_config",
]
