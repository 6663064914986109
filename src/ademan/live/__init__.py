"""Live: camera in, picture with points, labels and events out; and the recording of clips. The home of pygame.

pipeline.py   frame ─► points ─► recogniser: one moment a frame     watcher.py   a thread that keeps the newest
session.py    the recording of clips, step by step                  screen.py    a window
window.py     what `ademan live` shows                              booth.py     what `ademan capture` shows
"""

from ademan.live.pipeline import Moment, Pipeline
from ademan.live.session import CapturePlan, CaptureSession, View, inventory
from ademan.live.watcher import Watcher

__all__ = ["CapturePlan", "CaptureSession", "Moment", "Pipeline", "View", "Watcher", "inventory"]
