"""How a studio is set up: where its database and its files are."""

import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from ademan.errors import ConfigError

DATA_VARIABLE, DATABASE_VARIABLE = "ADEMAN_STUDIO", "ADEMAN_DATABASE_URL"
REDIS_VARIABLE, FILES_VARIABLE = "ADEMAN_REDIS_URL", "ADEMAN_STUDIO_FILES"
_SECRET_BYTES = 32


@dataclass(frozen=True)
class StudioConfig:
    """Where a studio keeps what it knows. What is not given comes from the environment, then from a default.

    Raises:
        ConfigError: an address is of another kind than expected.
    """

    data: str = ""
    """Folder of the database, the files and the secret; or ADEMAN_STUDIO. By default that of this user's programs."""
    database_url: str = field(default="", repr=False)
    """sqlite:///FILE or postgresql://USER@HOST/NAME, better in ADEMAN_DATABASE_URL if it holds a password."""
    redis_url: str = field(default="", repr=False)
    """redis://HOST:6379/0, for several processes; or ADEMAN_REDIS_URL. By default no Redis is used."""
    files: str = ""
    """Folder of clips and bundles, or s3://BUCKET/PREFIX; or ADEMAN_STUDIO_FILES. By default within the data folder."""
    endpoint_url: str = ""
    """Address of the storage, with s3:// and if it is not Amazon's."""

    def __post_init__(self) -> None:
        default = platformdirs.user_data_path("ademan") / "studio"
        self._fill("data", DATA_VARIABLE, str(default))
        self._fill("database_url", DATABASE_VARIABLE, _in_file(DATABASE_VARIABLE) or self._sqlite())
        self._fill("redis_url", REDIS_VARIABLE, _in_file(REDIS_VARIABLE))
        self._fill("files", FILES_VARIABLE, str(self.folder / "files"))
        if self.redis_url and not self.redis_url.startswith(("redis://", "rediss://", "unix://")):
            raise ConfigError("the address of Redis must begin with redis://, rediss:// or unix://.")

    def _fill(self, name: str, variable: str, default: str) -> None:
        object.__setattr__(self, name, getattr(self, name) or os.environ.get(variable, "").strip() or default)

    def _sqlite(self) -> str:
        return f"sqlite:///{self.folder / 'studio.db'}"

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.data).expanduser().absolute()

    def secret(self) -> bytes:
        """Return 32 bytes that only this studio knows, made when they are first asked for; equal in all processes.

        Raises:
            ConfigError: the file cannot be written or read, is none, or others may read it.
        """
        path = self.folder / "secret"
        try:
            if not path.exists():
                _write_secret(path)
            content, mode = path.read_bytes(), path.stat().st_mode
        except OSError as error:
            raise ConfigError(f"the secret {path} cannot be written or read: {error.strerror or error}.") from error
        if os.name == "posix" and mode & 0o077:
            raise ConfigError(f"others may read the secret {path}. Close it:  chmod 600 {path}")
        if len(content) != _SECRET_BYTES:
            raise ConfigError(
                f"{path} has {len(content)} bytes; a secret has {_SECRET_BYTES}. Delete it for a new one."
            )
        return content


def _in_file(variable: str) -> str:
    """Return what is in the file that a variable of this name with _FILE behind it names: how engines give secrets.

    Raises:
        ConfigError: it cannot be read, or has nothing in it.
    """
    named = os.environ.get(f"{variable}_FILE", "").strip()
    if not named:
        return ""
    try:
        content = Path(named).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{named}, which {variable}_FILE names, cannot be read: {error}.") from error
    if not content:
        raise ConfigError(f"{named}, which {variable}_FILE names, is empty; expected an address.")
    return content


def _write_secret(path: Path) -> None:
    """Put a new secret into a file that only this user may read; if another process is quicker, its secret stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=".secret.", dir=path.parent)  # with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(beside)
    finally:
        Path(beside).unlink()
