"""The process: its sockets, certificates and signals."""

import asyncio
import gc
import logging
import resource
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from ademan.publishing import MqttConfig
from ademan.recognition import StreamConfig
from ademan.server.app import Application, create_app
from ademan.server.bridge import BridgeConfig
from ademan.server.config import ServeConfig
from ademan.server.connections import limited
from ademan.server.listening import BACKLOG, listen
from ademan.server.logs import set_up_logs
from ademan.server.shelf import named
from ademan.server.tls import check_pair, fingerprint, self_signed
from ademan.server.websocket import GuardedSocket

log = logging.getLogger("ademan.server")
_GRACE_S = 5  # for requests that are going on when the server is told to stop
_SPARE_FILES = 256  # beside the connections
_TURN_S = 0.0005  # with Python's 0.005 a network waits as long as it works, for the event loop to let go


def serve(
    bundles: Sequence[str],
    config: ServeConfig | None = None,
    bridge: BridgeConfig | None = None,
    stream: StreamConfig | None = None,
    mqtt: MqttConfig | None = None,
    *,
    endpoint_url: str = "",
    on_ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve bundles until a signal ends it.

    Args:
        bundles: folder, .zip or s3:// address, or NAME=PLACE; the first is the default.
        config: where to listen, and limits.
        bridge: which camera the server watches, if any.
        stream: how predictions become events, where nothing else is asked for.
        mqtt: where the camera's events are published, if anywhere.
        endpoint_url: of the storage, if it is not Amazon's.
        on_ready: called with the server's address when it answers.

    Raises:
        ServerError: the port is taken, or the certificate cannot be used.
        AdemanError: a bundle cannot be trusted, or not be had.
    """
    config = config or ServeConfig()
    set_up_logs(config.log)
    certificate = _certificate(config)
    listener = listen(config.host, config.port)
    try:
        application = create_app(named(bundles), config, bridge, stream, mqtt, endpoint_url=endpoint_url)
        _allow_files(config.max_clients)
        Server(application, address(config, listener), on_ready, certificate).run(sockets=[listener])
    finally:
        listener.close()


def address(config: ServeConfig, listener: socket.socket) -> str:
    """Return where the server is reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(config.host, config.host)  # noqa: S104
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{'https' if config.encrypted else 'http'}://{host}:{listener.getsockname()[1]}"


class Server(uvicorn.Server):
    """Tells when it is ready, and ends its endless answers when it stops.

    Args:
        application: what is served.
        at: its address.
        on_ready: called with the address when it answers.
        certificate: and its key, for https.
    """

    def __init__(
        self,
        application: Application,
        at: str,
        on_ready: Callable[[str], None] = lambda _: None,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        super().__init__(_settings(application, certificate))
        self._parts, self._at, self._on_ready = application.parts, at, on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer.

        As uvicorn does, but that whoever connects and says nothing of TLS has as long as for a request, not a minute.
        """
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        connection: Callable[[], asyncio.Protocol] = partial(
            limited(self._parts.config.max_clients, self._parts.config.timeout),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        patience_s = self._parts.config.timeout if self.config.ssl else None
        self.servers = [
            await asyncio.get_running_loop().create_server(
                connection, sock=listener, ssl=self.config.ssl, ssl_handshake_timeout=patience_s, backlog=BACKLOG
            )
            for listener in sockets or []
        ]
        _make_ready_for_load()
        self.started = True
        self._on_ready(self._at)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was asked, and end."""
        self._parts.hub.close()
        await self._parts.streams.close()
        await super().shutdown(sockets)
        if self.force_exit:  # a second Ctrl-C: no request is waited for, but the camera is let go of
            await self.lifespan.shutdown()
        self._captured_signals.clear()  # it was told to end, and has: that is no failure


def _make_ready_for_load() -> None:
    """Let the threads of the networks have their turn soon; look for garbage seldom, and not at what stays anyway."""
    sys.setswitchinterval(_TURN_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def _settings(application: Application, certificate: tuple[Path, Path] | None) -> uvicorn.Config:
    return uvicorn.Config(
        application.asgi,
        log_config=None,
        access_log=False,  # the gate writes its own
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_S,
        ws=GuardedSocket,
        ws_max_size=2**20,
        ssl_certfile=certificate[0] if certificate else None,
        ssl_keyfile=certificate[1] if certificate else None,
    )


def _certificate(config: ServeConfig) -> tuple[Path, Path] | None:
    if config.self_signed:
        pair = self_signed(Path.home() / ".config" / "ademan" / "tls")
        known_by = {"sha256": fingerprint(pair[0]), "authority": str(pair[0].with_name("authority.crt"))}
        log.info("certificate", extra=known_by)
        return pair
    if not config.tls_cert:
        return None
    pair = Path(config.tls_cert), Path(config.tls_key)
    check_pair(*pair)
    return pair


def _allow_files(clients: int) -> None:
    """Raise the number of files that this process may open, as far as it may, to what the clients need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = clients + _SPARE_FILES
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    if hard < wanted:
        log.warning("too few open files for so many clients", extra={"clients": clients, "files": hard})
