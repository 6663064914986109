"""Two processes behind Caddy, by https, with the file that is deployed."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from ademan.studio.config import StudioConfig
from tests.studio.processes import program, wait_for
from tests.studio.web.conftest import GOOD, Visitor

CADDYFILE = Path(__file__).parents[3] / "deploy" / "Caddyfile.studio"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("caddy") is None, reason="there is no caddy")]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def caddy(folder: Path, upstream: str) -> Iterator[tuple[str, Path]]:
    """Give the address of a proxy before a studio, and its authority's certificate."""
    places = {"HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder}
    port, environment = free_port(), {**os.environ, **{name: str(value) for name, value in places.items()}}
    environment |= {"SITE": f"localhost:{port}", "UPSTREAM": upstream}
    text = CADDYFILE.read_text(encoding="utf-8").replace("{\n", "{\n\tadmin off\n\tauto_https disable_redirects\n", 1)
    (folder / "Caddyfile").write_text(text, encoding="utf-8")
    command = ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stderr=log)
    try:
        root = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        wait_for(root.exists, 60)
        url = f"https://localhost:{port}"
        wait_for(lambda: _answers(url, root), 60)
        yield url, root
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _answers(url: str, root: Path) -> bool:
    try:
        return requests.get(f"{url}/health", verify=str(root), timeout=10).status_code == 200
    except requests.ConnectionError:
        return False


def test_people_register_and_work_behind_a_proxy_whatever_process_answers(tmp_path: Path) -> None:
    (tmp_path / "caddy-home").mkdir()
    config = StudioConfig(data=str(tmp_path / "studio"))
    with (
        program(config, "studio", "--port", "0", "--processes", "2", "--log", "json") as studio,
        caddy(tmp_path / "caddy-home", studio.url.removeprefix("http://")) as (url, root),
    ):
        visitor = Visitor(url)
        visitor.session.verify, visitor.session.trust_env = str(root), False
        from_here = {"Origin": url, "Sec-Fetch-Site": "same-origin"}
        visitor.get("/register")
        fields = {"name": "Ada", "password": GOOD, "again": GOOD}
        assert visitor.post("/register", fields, headers=from_here).headers["location"] == "/"
        assert any("__Host-" in cookie.name and cookie.secure for cookie in visitor.session.cookies)
        for _ in range(20):
            assert visitor.get("/account").status_code == 200
        page = visitor.get("/account")
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert "max-age" in page.headers["Strict-Transport-Security"]
        assert "Content-Encoding" not in page.headers  # it has a token in it
        styled = visitor.get("/static/look.css", headers={"Accept-Encoding": "gzip"})
        assert styled.headers["Content-Encoding"] == "gzip"
        elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert visitor.post("/logout", headers=elsewhere).status_code == 403
        assert visitor.post("/logout", headers=from_here).status_code == 303
        assert any('"client": "127.0.0.1"' in line for line in studio.said)
