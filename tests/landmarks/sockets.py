"""Does one thing, waits, and prints what it had to do with networks; run as a process, in a network without a way out.

Three watchers, since each one alone can be got round: what Python is asked for (an audit hook), what the process holds
open (looked at every ten milliseconds), and what the system counted as sent, or as having no route: over IPv4 this
one misses no attempt of native code, however short, since the process has a network of its own.
"""

import ctypes
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

WAIT_S = 5.0
COUNTED = ("ActiveOpens", "OutDatagrams", "OutNoRoutes", "OutRequests", "OutSegs")
_heard: list[str] = []
_held: set[str] = set()


def listen(event: str, arguments: object) -> None:
    if event.startswith("socket."):
        _heard.append(event)


def sample() -> None:
    """Note the sockets that are open, but for those between processes of this machine."""
    while True:
        local = Path("/proc/self/net/unix").read_text().split()
        for descriptor in Path("/proc/self/fd").iterdir():
            try:
                name = str(descriptor.readlink())
            except OSError:  # closed meanwhile
                continue
            if name.startswith("socket:") and name[8:-1] not in local:
                _held.add(name)
        time.sleep(0.01)


def counted() -> dict[str, int]:
    """Return what the system counted in this network, IPv4 and IPv6."""
    counts = {}
    for line in Path("/proc/self/net/snmp6").read_text().splitlines():
        name, value = line.split()
        counts[name] = int(value)
    lines = [line.split() for line in Path("/proc/self/net/snmp").read_text().splitlines()]
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        counts |= {names[0] + name: int(value) for name, value in zip(names[1:], values[1:], strict=True)}
    return {name: value for name, value in counts.items() if name.endswith(COUNTED)}


def landmarks(backend: str) -> None:
    """Look for everything in a few pictures."""
    import numpy as np

    from ademan.landmarks import LandmarkConfig, open_landmarker
    from ademan.video.frame import Frame

    landmarker = open_landmarker(LandmarkConfig("holistic", backend))  # type: ignore[arg-type]
    image = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    for time_ms in (0.0, 40.0, 80.0):
        landmarker.find(Frame(image, time_ms))
    time.sleep(WAIT_S)
    landmarker.close()


def in_python() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM):
        pass


def natively(*, connect: bool) -> None:
    """Open a socket behind Python's back; either connect it for an instant, or hold it for a while."""
    libc = ctypes.CDLL(None)
    opened = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
    if connect:
        family, port = socket.AF_INET.to_bytes(2, sys.byteorder), (443).to_bytes(2, "big")
        address = family + port + bytes([192, 0, 2, 1]) + bytes(8)  # kept for documentation: nobody is there
        libc.connect(opened, address, len(address))
    else:
        time.sleep(0.2)
    libc.close(opened)


ACTIONS: dict[str, Callable[[], None]] = {
    "litert": lambda: landmarks("litert"),
    "mediapipe": lambda: landmarks("mediapipe"),
    "nothing": lambda: None,
    "in python": in_python,
    "natively, held": lambda: natively(connect=False),
    "natively, for an instant": lambda: natively(connect=True),
}


def main(action: str) -> None:
    sys.addaudithook(listen)
    threading.Thread(target=sample, daemon=True).start()
    before = counted()
    ACTIONS[action]()
    sent = {name: value - before[name] for name, value in counted().items() if value != before[name]}
    print(json.dumps({"heard": _heard, "held": sorted(_held), "sent": sent}))  # noqa: T201


if __name__ == "__main__":
    sys.path[:] = [place for place in sys.path if place != os.path.dirname(__file__)]  # noqa: PTH120 - as in sys.path
    main(sys.argv[1])
