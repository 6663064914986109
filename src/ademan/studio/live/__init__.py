"""Live: camera pictures in, points, predictions and events out, for many people at once. No picture is kept.

config.py      how much one process takes on         errors.py    what is refused while a stream goes on
detectors.py   threads that find points, fairly      eyes.py      what one thread does with one frame
models.py      live models, swapped while in use     stream.py    one camera's stream, and what its browser is told
takes.py       clips that are recorded from it       happened.py  its events, and their points for a correction
ledger.py      what is written down of it            moments.py   points of events, kept for a while
hall.py        all of it together
"""

from ademan.studio.live.config import LiveConfig
from ademan.studio.live.errors import LiveError
from ademan.studio.live.hall import Hall
from ademan.studio.live.stream import Stream

__all__ = ["Hall", "LiveConfig", "LiveError", "Stream"]
