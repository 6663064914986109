"""Points as landmarkers give them, brought to what a bundle takes."""

from ademan.bundle import Manifest
from ademan.clip import Points, as_fractions
from ademan.errors import ConfigError


def as_taken(points: Points, image_wh: tuple[int, int], manifest: Manifest) -> Points:
    """Return square points (..., P, 3) of a landmarker in the coordinates and channels of a bundle.

    Args:
        points: x, y, z in units of the picture's height.
        image_wh: of the picture.
        manifest: of the bundle.

    Raises:
        ConfigError: the bundle takes metres, which no picture gives.
    """
    if manifest.coordinates == "metres":
        raise ConfigError("the model was trained on a sensor's metres, which cannot be had from pictures.")
    if manifest.coordinates == "fraction":
        points = as_fractions(points, image_wh)
    return points[..., : manifest.channels]
