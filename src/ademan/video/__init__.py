"""Video: frames from files, folders and cameras, and clips recorded from them. The home of PyAV and OpenCV.

frame.py     Frame: a picture and its time; FrameSource: what gives them
file.py      video files            folder.py    folders of pictures
camera.py    cameras                playback.py  a file played as a camera
record.py    clips as H.264         drawing.py   skeletons on pictures
note.py      pictures that say who, and when
encoded.py   pictures that came over a network
"""

from ademan.video.camera import Camera, CameraLost
from ademan.video.drawing import draw_points
from ademan.video.encoded import encoded_size, read_encoded
from ademan.video.file import VIDEO_SUFFIXES, VideoFile
from ademan.video.folder import PICTURE_SUFFIXES, FrameFolder
from ademan.video.frame import Frame, FrameSource, Image
from ademan.video.playback import Playback
from ademan.video.record import ClipRecorder
from ademan.video.scale import smaller
from ademan.video.source import is_camera, open_source

__all__ = [
    "PICTURE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "Camera",
    "CameraLost",
    "ClipRecorder",
    "Frame",
    "FrameFolder",
    "FrameSource",
    "Image",
    "Playback",
    "VideoFile",
    "draw_points",
    "encoded_size",
    "is_camera",
    "open_source",
    "read_encoded",
    "smaller",
]
