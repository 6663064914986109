"""`ademan studio`."""

import ipaddress
import sys
from typing import Annotated

from cyclopts import Parameter

from ademan.cli.terminal import err, plain, warn
from ademan.errors import ConfigError, require

require("sqlalchemy", feature="The studio", extra="studio")

from ademan.studio.config import StudioConfig
from ademan.studio.web.config import WebConfig


def studio(
    *,
    config: Annotated[StudioConfig, Parameter(name="*")] = StudioConfig(),
    web: Annotated[WebConfig, Parameter(name="*")] = WebConfig(),
    reset: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Run the studio: people record gestures in a browser, review them, and train the model that they try out.

    Args:
        reset: delete all accounts, clips and models first; asks before it does.
    """
    from ademan.studio.web.run import run_studio

    if reset:
        _reset(config)
    if not _only_here(web.host) and not web.is_encrypted:
        warn("passwords can be read on their way, and browsers give no camera: there is no encryption. --self-signed.")

    def tell(address: str) -> None:
        err.print(f"The studio is at {plain(address)}  (Ctrl-C ends it)")

    run_studio(config, web, on_ready=tell)


def _reset(config: StudioConfig) -> None:
    """Delete everything of a studio, if whoever runs this types its folder's name."""
    from ademan.studio.web.reset import reset_studio

    if not sys.stdin.isatty():
        raise ConfigError("--reset deletes everything, and asks first; run it in a terminal.")
    err.print(f"All accounts, clips and models in {plain(config.data)} and its database will be deleted.")
    err.print(f"Type {plain(config.folder.name)} to go on: ", end="")
    if sys.stdin.readline().strip() != config.folder.name:
        raise ConfigError("nothing was deleted.")
    err.print(f"Deleted, with {reset_studio(config)} files.")


def _only_here(host: str) -> bool:
    """Return whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
