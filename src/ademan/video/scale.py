"""Pictures brought to another size."""

import cv2
import numpy as np

from ademan.video.frame import Frame


def smaller(frame: Frame, longest: int) -> Frame:
    """Return the frame with its longest side brought to `longest` pixels, if it is longer; 0 leaves all as they are."""
    width, height = frame.size_wh
    if not 0 < longest < max(width, height):
        return frame
    scale = longest / max(width, height)
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    # Averaging over areas: the points of thin fingers suffer when pixels are left out.
    image = np.asarray(cv2.resize(frame.image_rgb, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    return Frame(image, frame.timestamp_ms)
