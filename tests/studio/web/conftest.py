"""A studio that runs, with a real socket, in a thread of the test's process; and those who visit it."""

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from ademan.server.listening import listen
from ademan.studio.config import StudioConfig
from ademan.studio.data import Database
from ademan.studio.data.accounts import Accounts
from ademan.studio.data.files import FileStore, open_files
from ademan.studio.data.members import Members
from ademan.studio.data.passwords import Passwords
from ademan.studio.data.settings import Settings
from ademan.studio.live import LiveConfig
from ademan.studio.live.detectors import OpenFollower
from ademan.studio.web import create_studio
from ademan.studio.web.config import WebConfig
from ademan.studio.web.run import StudioServer
from tests.studio.live.fakes import Glance

GOOD = "four words in a row"
QUICK = Passwords(time_cost=1, memory_kib=64)
_TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]+)">')


@dataclass(frozen=True, eq=False)
class Running:
    """A studio that answers, and its data as the tests look at them."""

    url: str
    config: StudioConfig
    database: Database
    files: FileStore
    server: StudioServer
    thread: threading.Thread

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.database, self.files, QUICK)

    @property
    def members(self) -> Members:
        return Members(self.database, self.files, QUICK)

    @property
    def settings(self) -> Settings:
        return Settings(self.database)

    def visitor(self) -> "Visitor":
        return Visitor(self.url)

    def member(self, name: str = "Ana", role: str = "member") -> "Visitor":
        """Register somebody, and log them in; the first one of a studio is an admin."""
        person = self.accounts.register(name, GOOD)
        if role == "admin" and not person.is_admin:
            self.members.set_role(1, person.id, role)
        visitor = self.visitor()
        assert visitor.log_in(name).headers["location"] == "/"
        return visitor

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(15)
        self.database.close()
        assert not self.thread.is_alive(), "the studio does not stop"


@dataclass
class Visitor:
    """A browser without scripts: keeps cookies, and fills in the token of its last page."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)
    token: str = ""

    def get(self, path: str, **more: Any) -> requests.Response:
        return self._seen(self.session.get(self.url + path, allow_redirects=False, timeout=10, **more))

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, self.url + path, allow_redirects=False, timeout=10, **more)

    def post(self, path: str, fields: dict[str, str] | None = None, **more: Any) -> requests.Response:
        filled = {"csrf": self.token, **(fields or {})}
        sent = self.session.post(self.url + path, data=filled, allow_redirects=False, timeout=10, **more)
        return self._seen(sent)

    def log_in(self, name: str = "Ana", password: str = GOOD, **more: str) -> requests.Response:
        self.get("/login")
        return self.post("/login", {"name": name, "password": password, **more})

    def register(self, name: str, password: str = GOOD, again: str = "", **more: str) -> requests.Response:
        self.get("/register")
        return self.post("/register", {"name": name, "password": password, "again": again or password, **more})

    def cookie(self, name: str) -> str:
        """Return a cookie's value; empty if the browser has none of this name."""
        return self.session.cookies.get(f"ademan-{name}") or ""

    def plant(self, name: str, value: str) -> None:
        """Put a cookie into the browser, as if somebody else had done so."""
        self.session.cookies.set(f"ademan-{name}", value, domain="127.0.0.1", path="/")

    def _seen(self, response: requests.Response) -> requests.Response:
        found = _TOKEN.search(response.text)
        if found:
            self.token = found[1]
        if response.status_code == 303 and response.request.method == "POST" and "session" in str(response.headers):
            self.get("/account")  # for the token of the new session
        return response


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path, upgraded_sqlite: Path) -> Iterator[Start]:
    """Start a studio in a folder of its own; it is stopped at the end of the test."""
    running: list[Running] = []

    def begin(
        certificate: tuple[Path, Path] | None = None,
        database_url: str = "",
        live: LiveConfig | None = None,
        opener: OpenFollower = Glance,
    ) -> Running:
        folder = tmp_path / "studio"
        folder.mkdir(mode=0o700, exist_ok=True)
        if not database_url and not (folder / "studio.db").exists():
            shutil.copy(upgraded_sqlite, folder / "studio.db")  # to make the tables takes longer than most tests
        config = StudioConfig(data=str(folder), database_url=database_url)
        application = create_studio(config, passwords=QUICK, live=live, opener=opener)
        ready, listener = threading.Event(), listen("127.0.0.1", 0)
        server = StudioServer(application, WebConfig(), ready.set, certificate)
        thread = threading.Thread(target=_run, args=(server, listener), daemon=True)
        thread.start()
        assert ready.wait(15), "the studio does not start"
        url = f"http{'s' if certificate else ''}://127.0.0.1:{listener.getsockname()[1]}"
        data = Database(config.database_url), open_files(config)
        running.append(Running(url, config, *data, server, thread))
        return running[-1]

    yield begin
    for one in running:
        one.stop()


@pytest.fixture
def studio(start: Start) -> Running:
    """A studio with one admin, Ada."""
    running = start()
    running.accounts.register("Ada", GOOD)
    return running


def _run(server: StudioServer, listener: Any) -> None:
    with closing(listener):
        server.run(sockets=[listener])
