"""MediaPipe's networks run by LiteRT, with regions, tracking and left and right of our own.

landmarker.py    the points of a skeleton
hands.py         hands, found and followed      pose.py     a body, found and followed
detector.py      palms and people in a picture  region.py   rotated squares of a picture
network.py       one network
"""

from ademan.landmarks.litert.landmarker import LitertLandmarker

__all__ = ["LitertLandmarker"]
