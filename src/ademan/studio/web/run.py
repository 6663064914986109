"""The process of the studio: its socket, certificate and signals."""

import socket
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from ademan.server.connections import limited
from ademan.server.listening import listen
from ademan.server.logs import set_up_logs
from ademan.server.tls import check_pair, self_signed
from ademan.server.websocket import GuardedSocket
from ademan.studio.config import StudioConfig
from ademan.studio.live import LiveConfig
from ademan.studio.web.app import create_studio
from ademan.studio.web.config import WebConfig
from ademan.studio.web.processes import run_processes

_GRACE_S = 5  # for requests that are going on when the studio is told to stop
_PATIENCE_S = 15.0  # for the head of a request


def run_studio(
    config: StudioConfig | None = None,
    web: WebConfig | None = None,
    *,
    on_ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Run the studio until a signal ends it.

    Args:
        config: where its database and its files are.
        web: where it listens.
        on_ready: called with its address when it answers.

    Raises:
        ServerError: the port is taken, or the certificate cannot be used.
        StudioError: the database cannot be reached, or is of a later version.
    """
    web = web or WebConfig()
    set_up_logs(web.log)
    certificate = _certificate(web)
    listener = listen(web.host, web.port)

    def tell() -> None:
        on_ready(_address(web, listener))

    with closing(listener):
        if web.processes == 1:
            answer(config or StudioConfig(), web, certificate, listener, tell)
        else:
            run_processes(web.processes, partial(answer, config or StudioConfig(), web, certificate, listener), tell)


def answer(
    config: StudioConfig,
    web: WebConfig,
    certificate: tuple[Path, Path] | None,
    listener: socket.socket,
    on_ready: Callable[[], None],
) -> None:
    """Answer on a socket until a signal ends it; several processes may do so on the same one.

    Args:
        config: where its database and its files are.
        web: how many may be connected.
        certificate: and its key, for https.
        listener: the socket.
        on_ready: called when it answers.

    Raises:
        StudioError: the database cannot be reached, or is of a later version.
    """
    set_up_logs(web.log)
    application = create_studio(config, live=LiveConfig(streams=web.max_streams))
    StudioServer(application, web, on_ready, certificate).run(sockets=[listener])


class StudioServer(uvicorn.Server):
    """Tells when it is ready.

    Args:
        application: what is served.
        web: how many may be connected.
        on_ready: called when it answers.
        certificate: and its key, for https.
    """

    def __init__(
        self,
        application: ASGIApp,
        web: WebConfig,
        on_ready: Callable[[], None] = lambda: None,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        settings = uvicorn.Config(
            application,
            http=limited(web.max_clients, _PATIENCE_S),
            ws=GuardedSocket,
            ws_max_size=2**20,
            ws_per_message_deflate=False,  # pictures are compressed already, and what goes back is small
            log_config=None,
            access_log=False,  # the gate writes its own
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=_GRACE_S,
            ssl_certfile=certificate[0] if certificate else None,
            ssl_keyfile=certificate[1] if certificate else None,
        )
        super().__init__(settings)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was asked, and end."""
        await super().shutdown(sockets)
        self._captured_signals.clear()  # it was told to end, and has: that is no failure


def _certificate(web: WebConfig) -> tuple[Path, Path] | None:
    if web.self_signed:
        return self_signed(Path.home() / ".config" / "ademan" / "tls")
    if not web.tls_cert:
        return None
    pair = Path(web.tls_cert), Path(web.tls_key)
    check_pair(*pair)
    return pair


def _address(web: WebConfig, listener: socket.socket) -> str:
    """Return where the studio is reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(web.host, web.host)  # noqa: S104
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{'https' if web.is_encrypted else 'http'}://{host}:{listener.getsockname()[1]}"
