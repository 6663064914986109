"""Where the studio listens."""

from dataclasses import dataclass
from typing import Literal

from ademan.errors import ConfigError


@dataclass(frozen=True)
class WebConfig:
    """Where the studio listens, and how."""

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all of the machine's, so that others can reach it."""
    port: int = 8000
    """Port to listen on; 0 takes a free one."""
    tls_cert: str = ""
    """File with the certificate (PEM), for https."""
    tls_key: str = ""
    """File with its private key (PEM)."""
    self_signed: bool = False
    """Make a certificate for this machine, once, and use it: browsers give the camera to https alone."""
    processes: int = 1
    """Processes that answer; on machines with many cores. They find each other by the database, and sooner by Redis."""
    max_clients: int = 1000
    """Connections at the same time, of each process; those above are closed at once."""
    max_streams: int = 100
    """Cameras that are watched at the same time, by each process; whoever comes later is told so, and waits."""
    log: Literal["text", "json"] = "text"
    """How the log is written on standard error: lines to read, or one JSON object a line."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port must be from 0 to 65535, found {self.port}.")
        if not 1 <= self.processes <= 64:
            raise ConfigError(f"processes must be from 1 to 64, found {self.processes}.")
        if min(self.max_clients, self.max_streams) < 1:
            found = f"{self.max_clients} and {self.max_streams}"
            raise ConfigError(f"max_clients and max_streams must be 1 or above, found {found}.")
        if self.log not in ("text", "json"):
            raise ConfigError(f"log '{self.log}' is unknown; choose text or json.")
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ConfigError("--tls-cert and --tls-key belong together: give both, or --self-signed for neither.")
        if self.self_signed and self.tls_cert:
            raise ConfigError("--self-signed makes a certificate; leave --tls-cert and --tls-key out.")

    @property
    def is_encrypted(self) -> bool:
        """Whether it is https."""
        return bool(self.tls_cert) or self.self_signed
