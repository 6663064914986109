"""Made-up hands: recordings in the shape a landmarker gives, from a kinematic model of people who gesture.

hand.py       bones and joints: from joint angles to the 21 points of a hand
poses.py      places of the wrist and holds of the fingers, as one row of numbers
motion.py     movements from pose to pose, and trembling
camera.py     from metres to square coordinates of a picture
detector.py   errors of the points, and hands that are lost
person.py     somebody: their hands, habits, tempo, camera
gestures.py   six gestures
idle.py       all that is none
scenes.py     both hands, one thing after another
recording.py  what comes out: `perform` gives a stream, `clips` training clips
"""

from ademan.synthetic.camera import Camera
from ademan.synthetic.detector import Detector
from ademan.synthetic.gestures import GESTURES
from ademan.synthetic.hand import Hand
from ademan.synthetic.person import Person, Style, people
from ademan.synthetic.recording import Interval, Recording, clips, perform
from ademan.synthetic.scenes import IDLE, LABELS

__all__ = [
    "GESTURES",
    "IDLE",
    "LABELS",
    "Camera",
    "Detector",
    "Hand",
    "Interval",
    "Person",
    "Recording",
    "Style",
    "clips",
    "people",
    "perform",
]
