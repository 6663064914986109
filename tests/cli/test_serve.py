"""`ademan serve` from the command line."""

import json
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from ademan.cli import main
from ademan.cli.serve import _only_here
from ademan.server import run as server
from tests.server.conftest import logging_as_before
from tests.server.process import Process, serving

__all__ = ["logging_as_before"]


@pytest.fixture(autouse=True)
def logs(logging_as_before: None) -> None:
    """A server sets up the logs of its process, which here is that of the tests."""


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["serve", *arguments])
    code = left.value.code
    assert isinstance(code, int)
    return code


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["gone"], 1, "ademan: there is no bundle gone."),
        (["SMALL", "--port", "70000"], 2, "port must be from 0 to 65535, found 70000."),
        (["SMALL", "--tls-cert", "a.pem"], 2, "--tls-cert and --tls-key belong together"),
        (["SMALL", "--tls-cert", "a.pem", "--tls-key", "b.pem"], 1, "there is no a.pem; --tls-cert names the file"),
        (["SMALL", "--cors", "example.org"], 2, "--cors example.org: expected an origin such as https://example.org"),
        (["SMALL", "--api-key", "two words"], 2, "a key must have one or more letters"),
        (["SMALL", "--host", "192.0.2.1", "--port", "0"], 1, "port 0 of 192.0.2.1 cannot be listened on: this machine"),
        (["SMALL", "SMALL", "--port", "0"], 2, "two bundles would be called 'small'. Name one yourself:"),
        (["x=SMALL", "x=SMALL", "--port", "0"], 2, "two bundles would be called 'x'."),
        (["SMALL", "--accept", "2", "--port", "0"], 2, "a threshold of a stream must be from 0 to 1, found 2"),
    ],
)
def test_mistakes_get_one_message(
    arguments: list[str], code: int, told: str, small_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*[argument.replace("SMALL", str(small_bundle)) for argument in arguments]) == code
    said = capsys.readouterr().err
    assert told in " ".join(said.split())
    assert "Traceback" not in said


def test_a_port_that_is_taken_gets_one_message(small_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(str(small_bundle), "--port", str(port)) == 1
    assert capsys.readouterr().err.startswith(
        f"ademan: port {port} of 127.0.0.1 cannot be listened on: another program"
    )


def test_a_bundle_that_was_altered_is_not_served(
    small_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    altered = tmp_path / "altered"
    shutil.copytree(small_bundle, altered)
    (altered / "model.onnx").write_bytes((altered / "model.onnx").read_bytes() + b"x")
    assert run(str(small_bundle), str(altered), "--port", "0") == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("ademan: ")
    assert "model.onnx" in line


def test_nobody_is_answered_before_all_bundles_are_verified(small_bundle: Path, tmp_path: Path) -> None:
    process = Process(str(small_bundle), "other=" + str(tmp_path / "gone"), "--port", "0")
    assert process.wait() == 1
    assert not process.url
    process.kill()


def test_without_a_bundle_the_usage_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 2
    said = capsys.readouterr()
    assert "BUNDLE" in said.out + said.err


def test_without_the_extra_it_is_named() -> None:
    code = "import sys; sys.modules['fastapi'] = None; from ademan.cli import main; main(['serve', 'x'])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.endswith("Install it:  pip install 'ademan[server]'\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "127.0.0.1"], []),
        (["--host", "localhost"], []),
        (["--host", "::1"], []),
        (["--host", "::"], ["everybody who reaches :: can use this server: it asks for no key.", "a key too"]),
        (["--host", "example.org", "--api-key", "k"], ["what is sent can be read on its way"]),
        (["--host", "::", "--self-signed"], ["everybody who reaches :: can use this server"]),
        (["--host", "::", "--api-key", "k", "--self-signed"], []),
    ],
)
def test_who_else_can_use_it_is_told(
    arguments: list[str],
    told: list[str],
    small_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(server, "serve", lambda *_, **__: None)
    assert run(str(small_bundle), *arguments) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert len(notes) == len(told)
    for note, expected in zip(notes, told, strict=True):
        assert expected in note


def test_only_this_machine_reaches_its_own_addresses() -> None:
    assert all(_only_here(host) for host in ("127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"))
    assert not any(_only_here(host) for host in ("0.0.0.0", "::", "192.168.1.2", "example.org", ""))  # noqa: S104


def test_bundles_have_the_names_that_they_are_given(small_bundle: Path, tmp_path: Path) -> None:
    run_folder = tmp_path / "hands" / "bundle"
    shutil.copytree(small_bundle, run_folder)
    with serving(f"second={small_bundle}", str(run_folder), str(small_bundle), "--port", "0") as process:
        bundles = requests.get(f"{process.url}/bundles", timeout=5).json()
        assert bundles["default"] == "second"
        assert [bundle["name"] for bundle in bundles["bundles"]] == ["second", "hands", "small"]
        assert process.end(signal.SIGINT) == 0
        assert process.said[0] == f"Ademan answers on {process.url}  (Ctrl-C ends it)"


def test_limits_are_those_of_the_command_line(small_bundle: Path) -> None:
    arguments = ["--max-body", "0.001", "--max-video", "0.002", "--timeout", "3", "--accept", "0.9", "--log", "json"]
    with serving(str(small_bundle), "--port", "0", "--api-key", "k", *arguments) as process:
        headers = {"X-API-Key": "k", "Content-Type": "application/json"}
        answer = requests.post(f"{process.url}/predict", bytes(1001), headers=headers, timeout=5).json()
        assert answer["error"]["message"] == "the body has more than 0.001 MB, which is the limit."
        answer = requests.post(f"{process.url}/predict/video", bytes(2001), headers=headers, timeout=5).json()
        assert answer["error"]["message"] == "the body has more than 0.002 MB, which is the limit."
        assert requests.get(f"{process.url}/api/status", headers=headers, timeout=5).json()["config"]["accept"] == 0.9
        assert process.end() == 0
        assert [json.loads(line)["status"] for line in process.said[1:]] == [413, 413, 200]
