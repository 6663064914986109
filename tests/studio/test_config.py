"""How a studio is set up."""

import stat
import threading
from pathlib import Path

import pytest

from ademan.errors import ConfigError
from ademan.studio.config import DATABASE_VARIABLE, REDIS_VARIABLE, StudioConfig


def test_flags_come_first_then_the_environment_then_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADEMAN_STUDIO", "ADEMAN_DATABASE_URL", "ADEMAN_REDIS_URL", "ADEMAN_STUDIO_FILES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    assert StudioConfig().folder == tmp_path / "home" / "ademan" / "studio"
    config = StudioConfig(data=str(tmp_path))
    assert (config.database_url, config.files, config.redis_url) == (
        f"sqlite:///{tmp_path / 'studio.db'}",
        str(tmp_path / "files"),
        "",
    )
    monkeypatch.setenv("ADEMAN_STUDIO", str(tmp_path / "other"))
    monkeypatch.setenv("ADEMAN_DATABASE_URL", " postgresql://me:secret@host/name ")
    config = StudioConfig()
    assert config.folder == tmp_path / "other"
    assert config.database_url == "postgresql://me:secret@host/name"
    assert "secret" not in repr(config)
    assert StudioConfig(database_url="sqlite:///a.db").database_url == "sqlite:///a.db"


@pytest.mark.parametrize(("variable", "field"), [(DATABASE_VARIABLE, "database_url"), (REDIS_VARIABLE, "redis_url")])
def test_an_address_can_be_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, field: str
) -> None:
    monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(f"{variable}_FILE", str(tmp_path / "address"))
    with pytest.raises(ConfigError, match=f"which {variable}_FILE names, cannot be read"):
        StudioConfig(data=str(tmp_path))
    (tmp_path / "address").write_text("\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=f"which {variable}_FILE names, is empty"):
        StudioConfig(data=str(tmp_path))
    (tmp_path / "address").write_text("redis://:secret@host/0\n", encoding="utf-8")
    assert getattr(StudioConfig(data=str(tmp_path)), field) == "redis://:secret@host/0"
    monkeypatch.setenv(variable, "redis://another/0")
    assert getattr(StudioConfig(data=str(tmp_path)), field) == "redis://another/0"


def test_an_address_of_redis_is_checked() -> None:
    with pytest.raises(ConfigError, match="must begin with redis://"):
        StudioConfig(redis_url="http://localhost")


def test_the_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    config, found = StudioConfig(data=str(tmp_path / "new")), []
    threads = [threading.Thread(target=lambda: found.append(config.secret())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({*found}) == 1
    assert len(found[0]) == 32
    assert stat.S_IMODE((tmp_path / "new" / "secret").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret"]


def test_a_secret_that_others_can_read_or_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    config = StudioConfig(data=str(tmp_path))
    config.secret()
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        config.secret()
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "secret").write_bytes(b"short")
    with pytest.raises(ConfigError, match="has 5 bytes"):
        config.secret()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written or read"):
        StudioConfig(data=str(tmp_path / "file")).secret()
