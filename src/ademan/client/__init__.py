"""The client: points found here, gestures named by a server elsewhere. Needs the base installation only.

address.py   where the server is, with key and trust        failures.py   what went wrong, in words
rest.py      requests and answers                           answers.py    what a server says, checked
client.py    GestureClient, for other programs              wire.py       one Socket.IO connection
backlog.py   frames that wait, or are kept to be sent anew  told.py       each event once, each beginning with its end
stream.py    a live stream by Socket.IO, over a session.py   polling.py  the same by `POST /predict`
remote_stream.py, listener.py, backoff.py, pace.py   what streams are made of
pipeline.py  what `ademan client` runs: from a frame to points here, to a label there
"""

from ademan.client.answers import RemotePrediction
from ademan.client.client import GestureClient
from ademan.client.listener import StreamStats
from ademan.client.polling import PollingStream
from ademan.client.remote_stream import RemoteStream
from ademan.client.stream import GestureStream

__all__ = ["GestureClient", "GestureStream", "PollingStream", "RemotePrediction", "RemoteStream", "StreamStats"]
