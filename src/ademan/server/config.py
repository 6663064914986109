"""How a server is set up."""

import math
import os
import re
from dataclasses import dataclass, field
from typing import Literal

from ademan.errors import ConfigError

KEY_VARIABLE = "ADEMAN_API_KEYS"
"""Keys, parted by commas; rather than on the command line, where everybody on the machine can read them."""

# As browsers write an origin: small letters, and no slash at its end.
_ORIGIN = r"https?://([a-z0-9._-]+|\[[0-9a-f:]+\])(:[0-9]+)?"
_KEY = r"[!-+\--~]+"  # what a header can carry, but the comma


@dataclass(frozen=True)
class ServeConfig:
    """Where a server listens, what it asks for, and its limits."""

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all of the machine's, so that others can reach it."""
    port: int = 8000
    """Port to listen on; 0 takes a free one."""
    api_key: tuple[str, ...] = field(default=(), repr=False)
    """Keys of which clients must give one; better in the variable ADEMAN_API_KEYS, parted by commas."""
    cors: tuple[str, ...] = ()
    """Origins of other web pages that may use this server, such as https://example.org; * for all."""
    tls_cert: str = ""
    """File with the certificate (PEM), for https."""
    tls_key: str = ""
    """File with its private key (PEM)."""
    self_signed: bool = False
    """Make a certificate for this machine, once, and use it: https for a local network."""
    max_body: float = 16.0
    """Largest body of a request, in MB."""
    max_video: float = 64.0
    """Largest video of a request, in MB."""
    max_fps: float = 120.0
    """Frames a second that a live stream may send; those above are dropped and counted."""
    max_clients: int = 1000
    """Connections at the same time; those above are closed at once."""
    timeout: float = 15.0
    """Seconds within which a request must have come, and a video be recognised."""
    threads: int = 1
    """Threads of the network; more than one pays for large networks only."""
    refresh: float = 5.0
    """Seconds between two looks for a new version of a bundle; 0 never looks."""
    log: Literal["text", "json"] = "text"
    """How the log is written on standard error: lines to read, or one JSON object a line."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port must be from 0 to 65535, found {self.port}.")
        for name in ("max_body", "max_video", "max_fps", "max_clients", "timeout", "threads"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(f"{name} must be above zero and finite, found {getattr(self, name)}.")
        if not 0 <= self.refresh < math.inf:
            raise ConfigError(f"refresh must be 0 or above and finite, found {self.refresh}.")
        if self.log not in ("text", "json"):
            raise ConfigError(f"log '{self.log}' is unknown; choose text or json.")
        self._check_certificate()
        self._check_access()

    def _check_certificate(self) -> None:
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ConfigError("--tls-cert and --tls-key belong together: give both, or --self-signed for neither.")
        if self.self_signed and self.tls_cert:
            raise ConfigError("--self-signed makes a certificate; leave --tls-cert and --tls-key out.")

    def _check_access(self) -> None:
        if not all(re.fullmatch(_KEY, key) for key in self.keys):
            raise ConfigError("a key must have one or more letters, digits or signs of ASCII, and no space or comma.")
        for origin in self.cors:
            if origin != "*" and not re.fullmatch(_ORIGIN, origin):
                raise ConfigError(
                    f"--cors {origin}: expected an origin such as https://example.org or http://10.0.0.7:8080, without "
                    "a path, or * for all."
                )

    @property
    def keys(self) -> tuple[str, ...]:
        """Those that were given, and those of the environment."""
        named = os.environ.get(KEY_VARIABLE, "").split(",")
        return (*self.api_key, *(key.strip() for key in named if key.strip()))

    @property
    def encrypted(self) -> bool:
        """Whether it is https."""
        return bool(self.tls_cert) or self.self_signed
