"""The socket that a server listens on, with what is wrong told in words."""

import errno
import socket
from typing import Final

from ademan.errors import ServerError

BACKLOG: Final = 2048
"""Connections that may wait to be taken."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that takes connections.

    Raises:
        ServerError: the port is taken or not allowed, or the address is not this machine's.
    """
    place = (host.strip("[]"), port)
    six = ":" in host
    try:
        return socket.create_server(
            place,
            family=socket.AF_INET6 if six else socket.AF_INET,
            backlog=BACKLOG,
            dualstack_ipv6=place[0] == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        told = {
            errno.EADDRINUSE: f"another program has it. Take another port:  --port {port + 1 if port < 65535 else 0}",
            errno.EACCES: "it needs more rights. Take one above 1023:  --port 8000",
            errno.EADDRNOTAVAIL: "this machine has no such address. Take all it has:  --host 0.0.0.0",
        }
        why = told.get(error.errno or 0, f"{error.strerror or error}.")
        raise ServerError(f"port {port} of {host} cannot be listened on: {why}") from error
