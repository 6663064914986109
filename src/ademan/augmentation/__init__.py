"""Augmentation: clips that could have been recorded as well, made from those that were, a batch at a time.

seen.py      what was seen of a batch, and its middle
groups.py    points that are lost together, points that have one size
space.py     rotation, turn, scale, aspect, shear and shift, as one matrix a clip
time.py      speed, crop and warp, as the positions at which a clip is read
sight.py     what landmarkers do: points that tremble, jump, and are lost
sides.py     left and right: mirror images, and the labels that they change
mixing.py    mixup: two clips as one, and their labels
config.py    how strong each of these is
chance.py    random numbers for a batch
augment.py   all of it, drawn anew for each batch
sheet.py     a picture that shows what each does to a clip

The transforms take one parameter a clip and draw nothing themselves. A batch is `points` (N, T, P, C), C being 2 or 3,
NaN where a point was not seen; windows that are shorter than the batch end with frames in which nothing is seen.
"""

from ademan.augmentation.augment import Augmenter
from ademan.augmentation.config import OFF, Augmentation
from ademan.augmentation.sides import mirrored_labels

__all__ = ["OFF", "Augmentation", "Augmenter", "mirrored_labels"]
