"""Where a server is, the key that it asks for, and whom it may be."""

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from ademan.errors import ConfigError

KEY_VARIABLE = "ADEMAN_API_KEY"
"""The key of a client; rather than on the command line, where everybody on the machine can read it."""


@dataclass(frozen=True)
class Address:
    """A server.

    Args:
        url: such as http://pi.local:8000; a path is that of a proxy in front of the server.
        key: that it asks for, if it asks for one.
        verify: True to trust what the system trusts, a file of certificates (PEM) to trust those, False to trust all.

    Raises:
        ConfigError: no address of a server, no key, or no file of certificates.
    """

    url: str
    key: str = field(default="", repr=False)
    verify: bool | str = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", _checked(self.url))
        if not (self.key.isascii() and self.key.isprintable()) or self.key != self.key.strip():
            raise ConfigError("the key holds a character that no key has: expected letters, digits and signs of ASCII.")
        if isinstance(self.verify, str):
            _check_certificates(Path(self.verify))

    @property
    def path(self) -> str:
        """The URL's, without slashes around it."""
        return urlsplit(self.url).path.strip("/")

    @property
    def headers(self) -> dict[str, str]:
        """That go with each request."""
        return {"X-API-Key": self.key} if self.key else {}

    @property
    def trusted(self) -> str | None:
        """File or folder of the certificates that are trusted; None trusts all."""
        if self.verify is True:
            return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH
        return self.verify or None


def _checked(url: str) -> str:
    """Return the address without a slash at its end; refuse what is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"'{url}' is no address of a server: {error}. Such as http://pi.local:8000.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        hint = "" if "://" in url or not url else f" Did you mean http://{url}?"
        raise ConfigError(
            f"'{url}' is no address of a server: expected http:// or https://, then a name, such as "
            f"http://pi.local:8000.{hint}"
        )
    if parts.username or parts.password:
        raise ConfigError(f"the address of {parts.hostname} holds a user or a password; a server asks for a key.")
    if parts.query or parts.fragment:
        raise ConfigError(f"'{url}' is no address of a server: nothing may follow a ? or # in it.")
    return url.rstrip("/")


def _check_certificates(path: Path) -> None:
    try:
        ssl.create_default_context(cafile=str(path)) if path.is_file() else path.stat()
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"{path} holds no certificates (PEM) that could be trusted: {error}.") from error
