"""`ademan serve`."""

import ipaddress
from typing import Annotated

from cyclopts import Parameter

from ademan.cli.terminal import err, plain, warn
from ademan.errors import require

require("fastapi", feature="Serving", extra="server")

from ademan.publishing import MqttConfig
from ademan.recognition import StreamConfig
from ademan.server.bridge import BridgeConfig
from ademan.server.config import KEY_VARIABLE, ServeConfig


def serve(
    bundle: str,
    /,
    *bundles: str,
    config: Annotated[ServeConfig, Parameter(name="*")] = ServeConfig(),
    bridge: Annotated[BridgeConfig, Parameter(name="*")] = BridgeConfig(),
    stream: Annotated[StreamConfig, Parameter(name="*")] = StreamConfig(),
    mqtt: Annotated[MqttConfig, Parameter(name="*")] = MqttConfig(),
    endpoint_url: str = "",
) -> None:
    """Let a bundle answer over the network: REST, live streams by Socket.IO, a camera of the server's own, a page.

    Args:
        bundle: folder, .zip or s3:// address; NAME=PLACE gives it a name.
        bundles: more of them; the first one answers where none is named.
        endpoint_url: of the storage, if it is not Amazon's.
    """
    from ademan.server.run import serve as run

    if not _only_here(config.host) and not config.keys:
        warn(f"everybody who reaches {config.host} can use this server: it asks for no key. {KEY_VARIABLE} holds keys.")
    if not _only_here(config.host) and not config.encrypted:
        warn("what is sent can be read on its way, a key too: there is no encryption. --self-signed gives it.")

    def tell(address: str) -> None:
        err.print(f"Ademan answers on {plain(address)}  (Ctrl-C ends it)")

    run([bundle, *bundles], config, bridge, stream, mqtt, endpoint_url=endpoint_url, on_ready=tell)


def _only_here(host: str) -> bool:
    """Return whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
