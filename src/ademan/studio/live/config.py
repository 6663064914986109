"""How much live streams one process takes on."""

import os
from dataclasses import dataclass

from ademan.errors import ConfigError


@dataclass(frozen=True)
class LiveConfig:
    """Limits of live streams, of one process where nothing else is said."""

    streams: int = 100
    """At the same time."""
    streams_per_person: int = 4
    """Of one person at the same time; across processes, if there is Redis."""
    threads: int = 0
    """That find points; 0 for one a core."""
    most_fps: float = 30.0
    """Frames a second of one stream that are looked at; those above are skipped."""
    most_bytes: int = 200_000
    """Of one frame."""
    most_side: int = 1280
    """Pixels of the longer side of a frame."""
    idle_s: float = 60.0
    """A stream without a frame for this long is ended."""
    look_s: float = 2.0
    """Time between two looks at the database: which models are live, who is still logged in."""

    def __post_init__(self) -> None:
        if min(self.streams, self.streams_per_person, self.most_bytes, self.most_side) < 1 or self.threads < 0:
            raise ConfigError(f"limits of live streams must be 1 or above, and threads 0 or above; found {self}.")
        if not min(self.most_fps, self.idle_s, self.look_s) > 0:
            raise ConfigError(f"rates and times of live streams must be above zero; found {self}.")

    @property
    def thread_count(self) -> int:
        """Threads that find points."""
        return self.threads or os.cpu_count() or 1
