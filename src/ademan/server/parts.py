"""What an application is made of."""

from dataclasses import dataclass

from ademan.server.bridge import Bridge
from ademan.server.config import ServeConfig
from ademan.server.hub import Hub
from ademan.server.metrics import Metrics
from ademan.server.shelf import Shelf
from ademan.server.streams import Streams
from ademan.server.videos import Videos


@dataclass(frozen=True, eq=False)
class Parts:
    """Each once in an application."""

    config: ServeConfig
    shelf: Shelf
    bridge: Bridge
    hub: Hub
    streams: Streams
    videos: Videos
    metrics: Metrics
