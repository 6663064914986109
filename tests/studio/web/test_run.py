"""`ademan studio` as people run it, and what must not go wrong when several do."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from ademan.cli import main
from ademan.errors import ConfigError
from ademan.studio.config import StudioConfig
from ademan.studio.data import Database
from ademan.studio.data.accounts import Accounts
from ademan.studio.data.files import new_key, open_files
from ademan.studio.web.config import WebConfig
from ademan.studio.web.reset import reset_studio
from tests.studio.web.conftest import GOOD, QUICK, Start


@contextmanager
def process(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Give a process of `ademan studio`, and its address once it answers."""
    command = [sys.executable, "-m", "ademan", "studio", "--data", str(folder), "--port", "0", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HOME": str(folder.parent)}
    started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert started.stderr is not None
    reader = threading.Thread(target=started.stderr.read, daemon=True)
    try:
        said = list(_until_ready(started.stderr))
        found = re.search(r"The studio is at (\S+)", said[-1] if said else "")
        assert found, said
        reader.start()  # or it would stop once the pipe is full
        yield started, found[1]
    finally:
        started.kill()
        started.wait(10)
        if reader.ident is not None:
            reader.join(5)
        started.stderr.close()


def _until_ready(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if "The studio is at" in line:
            return


def test_a_process_answers_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    with process(tmp_path / "studio") as (studio, url):
        assert requests.get(f"{url}/health", timeout=10).json()["status"] == "ok"
        studio.send_signal(signal.SIGTERM)
        assert studio.wait(10) == 0
    assert (tmp_path / "studio" / "secret").stat().st_mode & 0o777 == 0o600


def test_two_servers_at_once_are_one_studio_with_one_first_admin(start: Start) -> None:
    one, other = start(), start()
    visitors = [one.visitor(), other.visitor()]
    for visitor in visitors:
        visitor.get("/register")
    threads = [
        threading.Thread(target=visitor.register, args=(name,))
        for visitor, name in zip(visitors, ("Ada", "Boris"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(visitor.get("/members").status_code for visitor in visitors) == [200, 403]
    moved = other.visitor()
    moved.session.cookies = visitors[0].session.cookies
    assert moved.get("/account").status_code == 200  # a session of one is one of the other
    assert moved.post("/logout").status_code == 303
    assert visitors[0].get("/account").status_code == 303
    visit = one.visitor()
    visit.get("/login")
    there = other.visitor()
    there.session.cookies, there.token = visit.session.cookies, visit.token
    assert there.post("/login", {"name": "Ada", "password": GOOD}).headers["location"] == "/"


def test_a_port_that_is_taken_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], logging_kept: None) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken, pytest.raises(SystemExit) as ended:
        port = taken.getsockname()[1]
        main(["studio", "--data", str(tmp_path), "--port", str(port)])
    assert ended.value.code == 1
    assert f"port {port} of 127.0.0.1 cannot be listened on: another program has it" in capsys.readouterr().err


@pytest.fixture
def logging_kept() -> Iterator[None]:
    """The logging of the tests is as it was, whatever a verb sets up."""
    import logging

    before = (logging.root.handlers, logging.root.level)
    loggers = [logging.getLogger(name) for name in ("ademan", "uvicorn", "uvicorn.error")]
    kept = [(logger, logger.handlers, logger.level, logger.propagate) for logger in loggers]
    yield
    logging.root.handlers, level = before
    logging.root.setLevel(level)
    logging.captureWarnings(False)
    for logger, handlers, level, propagate in kept:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"port": 70_000}, "from 0 to 65535"),
        ({"max_clients": 0}, "1 or above"),
        ({"log": "xml"}, "text or json"),
        ({"tls_cert": "a.pem"}, "belong together"),
        ({"tls_cert": "a.pem", "tls_key": "b.pem", "self_signed": True}, "leave --tls-cert"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        WebConfig(**wrong)  # type: ignore[arg-type]


def test_a_reset_deletes_all_but_asks_for_a_terminal_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = StudioConfig(data=str(tmp_path / "studio"))
    database, files = Database(config.database_url), open_files(config)
    database.upgrade()
    accounts = Accounts(database, files, QUICK)
    accounts.register("Ada", GOOD)
    files.put(new_key("clips", ".npz"), b"points")
    with pytest.raises(SystemExit) as ended:
        main(["studio", "--data", config.data, "--reset"])
    assert ended.value.code == 2
    assert "run it in a terminal" in capsys.readouterr().err
    assert accounts.has_people()
    database.close()
    assert reset_studio(config) == 1
    assert list(files.all()) == []
    assert b"argon2" not in (tmp_path / "studio" / "studio.db").read_bytes()
    database.upgrade()
    assert not accounts.has_people()
    database.close()
