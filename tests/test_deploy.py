"""What is deployed: hardened, without secrets, and with commands that the command line takes."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from cyclopts import CycloptsError

from ademan.cli import app

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
PROXIES = ["Caddyfile", "nginx.conf"]
LINTERS = [command for command in (["bash", "-n"], ["shellcheck"]) if shutil.which(command[0])]
HARDENED = {
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectControlGroups": "yes",
    "RestrictSUIDSGID": "yes",
    "CapabilityBoundingSet": "",
    "SystemCallFilter": "@system-service",
}


COMPOSED = {"compose.yaml": ".env.example", "compose.studio.yaml": ".env.studio.example"}


def compose(name: str = "compose.yaml") -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8")))


def services() -> list[tuple[str, str]]:
    """Return the services of all compose files, each with its file's name."""
    return [(file, service) for file in COMPOSED for service in compose(file)["services"]]


def filled_in(words: list[str]) -> list[str]:
    """Return words of a command with the defaults of their variables."""
    return [re.sub(r"\$\{\w+:-(.*)\}", r"\1", word) for word in words]


def settings(unit: Path) -> list[tuple[str, str]]:
    """Return the lines of a unit file, name and value, in their order."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    return [(name, value) for name, _, value in (line.partition("=") for line in lines if not line.startswith("#"))]


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines if line.strip()]


def values(instruction: str) -> list[str]:
    return [value for name, value in instructions() if name == instruction]


def parse(words: list[str]) -> None:
    try:
        app.parse_args(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        pytest.fail(f"ademan {' '.join(words)}: {error}")


def expanded(unit: Path) -> list[str]:
    """Return the words of a unit's command, its variables replaced as systemd does it."""
    variables = dict(
        part.split("=", 1) for name, value in settings(unit) if name == "Environment" for part in value.split()
    )
    words: list[str] = []
    for word in shlex.split(dict(settings(unit))["ExecStart"]):
        if bare := re.fullmatch(r"\$(\w+)", word):  # without braces: as many words as there are
            words += variables[bare[1]].split()
        else:
            words.append(re.sub(r"\$\{(\w+)\}", lambda found: variables[found[1]], word))
    return words


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_start_commands_that_parse(unit: Path) -> None:
    program, *words = expanded(unit)
    assert program == "/opt/ademan/bin/ademan"
    parse(words)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_are_hardened_and_never_give_up(unit: Path) -> None:
    found = dict(settings(unit))
    assert found.items() >= HARDENED.items()
    assert (found["Restart"], found["StartLimitIntervalSec"]) == ("always", "0")
    assert int(found["RestartSec"]) < int(found["RestartMaxDelaySec"])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_take_keys_from_a_file_alone(unit: Path) -> None:
    assert "EnvironmentFile" in dict(settings(unit))
    assert not re.search(r"KEYS?=|--key|--api-key", unit.read_text(encoding="utf-8"))


def test_the_client_may_open_cameras_and_no_other_device() -> None:
    found = dict(settings(DEPLOY / "ademan-client.service"))
    assert (found["DevicePolicy"], found["DeviceAllow"]) == ("closed", "char-video4linux rw")
    assert found["SupplementaryGroups"] == "video"


def test_the_command_of_the_image_parses() -> None:
    parse(yaml.safe_load(values("CMD")[-1]))
    assert values("ENTRYPOINT") == ['["ademan"]']


def test_the_image_runs_as_a_fixed_user_that_is_not_root() -> None:
    assert values("USER") == ["10001:10001"]
    order = [name for name, _ in instructions()]
    assert order.index("USER") < order.index("ENTRYPOINT")


def test_the_image_is_built_of_fixed_versions_and_asks_after_its_health() -> None:
    assert all(re.fullmatch(r"python:3\.\d+-slim-\w+( AS \w+)?", base) for base in values("FROM"))
    assert "constraints.txt" in " ".join(values("RUN"))
    assert "ADEMAN_HEALTH" in values("HEALTHCHECK")[0]


def test_nothing_but_the_package_goes_into_the_image() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    assert allowed == {"src", "pyproject.toml", "README.md", "LICENSE", "constraints.txt"}
    copied = {word for value in values("COPY") for word in value.split()[:-1] if "--from" not in value}
    assert copied == allowed
    assert not re.search(r"(KEY|SECRET|PASSWORD|TOKEN)\w*=", " ".join(values("ENV") + values("ARG")))


@pytest.mark.parametrize(("file", "name"), services())
def test_each_service_is_hardened_and_limited(file: str, name: str) -> None:
    service = compose(file)["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "cpus", "pids_limit"} <= set(service)
    assert set(service.get("cap_add", [])) <= {"NET_BIND_SERVICE"}
    assert not re.search(r":latest|^[^:]*$", service["image"])
    assert not service.get("privileged")


def test_only_the_proxy_and_the_broker_can_be_reached_from_outside() -> None:
    services = compose()["services"]
    assert {name for name, service in services.items() if "ports" in service} == {"caddy", "mosquitto"}
    assert services["ademan"]["networks"] == services["minio"]["networks"] == ["inside"]
    assert compose()["networks"]["inside"]["internal"] is True


def test_the_command_of_the_composed_server_parses() -> None:
    parse(filled_in(compose()["services"]["ademan"]["command"]))


@pytest.mark.parametrize("name", ["studio", "worker"])
def test_the_commands_of_the_composed_studio_parse(name: str) -> None:
    service = compose("compose.studio.yaml")["services"][name]
    parse(filled_in(service["command"]))
    extras = set(service["build"]["args"]["EXTRAS"].split(","))
    assert extras >= {"studio", *(["train"] if name == "worker" else [])}


def test_of_the_composed_studio_only_the_proxy_can_be_reached_from_outside() -> None:
    found = compose("compose.studio.yaml")
    assert [name for name, service in found["services"].items() if "ports" in service] == ["caddy"]
    for name, service in found["services"].items():
        assert service["networks"] == (["inside", "outside"] if name == "caddy" else ["inside"])
    assert found["networks"]["inside"]["internal"] is True


def test_the_composed_studio_does_not_start_without_passwords_and_keeps_its_state_in_volumes() -> None:
    found = compose("compose.studio.yaml")
    places = found["x-places"]
    assert "${POSTGRES_PASSWORD:?" in places["ADEMAN_DATABASE_URL"]
    assert "${REDIS_PASSWORD:?" in places["ADEMAN_REDIS_URL"]
    for name in ("studio", "worker"):
        service = found["services"][name]
        assert service["environment"].items() >= places.items()
        assert service["volumes"] == ["studio-data:/data"]
        assert service["environment"]["ADEMAN_STUDIO"] == "/data"
    assert found["services"]["studio"]["healthcheck"]["test"][-1].count("/health") == 1
    assert found["services"]["postgres"]["user"] != "0:0"
    assert {"studio-data", "postgres-data"} <= set(found["volumes"])


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="there is no redis-server")
def test_the_composed_redis_begins_and_asks_for_its_password() -> None:
    service = compose("compose.studio.yaml")["services"]["redis"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = " ".join(service["command"]).replace("$$", "$").replace("'requirepass", f"'port {port}\\nrequirepass")
    command = [*service["entrypoint"], script]
    environment = {**os.environ, "REDIS_PASSWORD": "a-password"}
    started = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert started.stdout is not None
    try:
        assert any("Ready to accept connections" in line for line in started.stdout)
        asks = {**os.environ, "REDISCLI_AUTH": "a-password"}
        told = [
            subprocess.run(["redis-cli", "-p", str(port), "ping"], env=one, capture_output=True, text=True, check=False)
            for one in (os.environ, asks)
        ]
        assert "NOAUTH" in told[0].stdout
        assert told[1].stdout == "PONG\n"
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(20)
        started.stdout.close()


def test_the_composed_server_does_not_start_without_a_key() -> None:
    assert compose()["services"]["ademan"]["environment"]["ADEMAN_API_KEYS"].startswith("${ADEMAN_API_KEYS:?")


@pytest.mark.parametrize(("file", "env"), COMPOSED.items())
def test_every_variable_of_compose_is_in_the_example_and_no_secret_is_filled_in(file: str, env: str) -> None:
    text = (DEPLOY / file).read_text(encoding="utf-8")
    example = (DEPLOY / env).read_text(encoding="utf-8")
    given = dict(re.findall(r"^#?([A-Z0-9_]+)=(.*)$", example, re.MULTILINE))
    used = set(re.findall(r"\$\{(\w+)", text)) | set(re.findall(r"^ +(AWS_\w+):$", text, re.MULTILINE))
    assert used - {"MINIO_IMAGE"} <= set(given)
    assert not [value for name, value in given.items() if re.search("KEY|SECRET|PASSWORD", name) and value]


def test_every_variable_that_is_read_is_in_the_table_of_the_document_and_no_other() -> None:
    """Those of the package and of the files here; the table is the one under "Environment"."""
    files = [*(ROOT / "src").rglob("*.py"), *(path for path in DEPLOY.iterdir() if path.is_file())]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    read = set(re.findall(r"\bADEMAN_[A-Z_]*[A-Z]\b", text))
    for file in COMPOSED:
        read |= set(re.findall(r"\$\{(\w+)", (DEPLOY / file).read_text(encoding="utf-8")))
    document = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    table = document[document.index("## Environment") :].partition("\n## ")[0]
    named = set(
        re.findall(r"`([A-Z][A-Z0-9_]+)`", "\n".join(row.split("|")[1] for row in table.splitlines()[4:] if row))
    )
    read |= {f"{name}_FILE" for name in ("ADEMAN_DATABASE_URL", "ADEMAN_REDIS_URL")}
    assert read <= named
    assert {name for name in named if name.startswith("ADEMAN_")} <= read


def test_no_key_or_certificate_lies_in_the_folder() -> None:
    secret = re.compile(r"-----BEGIN|AKIA[0-9A-Z]{16}")
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and path.name != ".env"]
    assert not [path for path in files if secret.search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("name", PROXIES)
def test_proxies_pass_streams_on_at_once_and_keep_figures_inside(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    assert re.search(r"/socket\.io/", text)
    assert re.search(r"/api/stream", text)
    assert re.search(r"flush_interval -1|proxy_buffering off", text)
    assert re.search(r"/metrics", text)
    assert re.search(r"Strict-Transport-Security", text)


def test_proxies_let_through_what_the_server_takes() -> None:
    from ademan.server.config import ServeConfig

    largest = max(ServeConfig().max_video, ServeConfig().max_body)
    for name, pattern in (("Caddyfile", r"max_size (\d+)MB"), ("nginx.conf", r"client_max_body_size (\d+)m;")):
        found = re.search(pattern, (DEPLOY / name).read_text(encoding="utf-8"))
        assert found
        assert largest < int(found[1]) < 2 * largest


def test_the_proxy_of_the_studio_changes_nothing_that_the_studio_says_of_itself() -> None:
    """Its own Referrer-Policy lets browsers say where forms come from; pages with tokens are not compressed."""
    from ademan.studio.web.gate import MOST_BODY
    from ademan.studio.web.security import HEADERS

    text = (DEPLOY / "Caddyfile.studio").read_text(encoding="utf-8")
    assert not [name for name in dict(HEADERS) if name.lower() in text.lower()]
    assert "encode @same" in text
    found = re.search(r"max_size (\d+)MB", text)
    assert found
    assert max(MOST_BODY.values()) < int(found[1]) * 1_000_000


@pytest.mark.skipif(shutil.which("caddy") is None, reason="there is no caddy")
@pytest.mark.parametrize("name", ["Caddyfile", "Caddyfile.studio"])
def test_caddy_takes_its_files(name: str, tmp_path: Path) -> None:
    command = ["caddy", "validate", "--config", str(DEPLOY / name), "--adapter", "caddyfile"]
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", LINTERS, ids=lambda command: command[0])
def test_the_script_for_a_raspberry_pi_is_sound(command: list[str]) -> None:
    done = subprocess.run([*command, DEPLOY / "install-pi.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def script(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run it with the Python of the tests, whatever else is on this machine."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    command = [str(DEPLOY / "install-pi.sh"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_dry_run_says_what_would_be_done_and_does_nothing() -> None:
    before = Path("/opt/ademan").exists(), Path("/etc/ademan").exists()
    done = script("--dry-run", "--server", "https://gestures.example.org")
    assert done.returncode == 0, done.stderr
    assert "+ python3 -m venv /opt/ademan" in done.stdout or before[0]
    assert "+ systemctl enable ademan-client.service" in done.stdout
    assert before == (Path("/opt/ademan").exists(), Path("/etc/ademan").exists())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--frobnicate",), "there is no option --frobnicate"),
        (("--server",), "--server needs a value"),
        (("--dry-run", "--server", "gestures.example.org"), "expected http://HOST:PORT or https://HOST"),
    ],
)
def test_the_script_says_what_is_wrong(arguments: tuple[str, ...], told: str) -> None:
    done = script(*arguments)
    assert done.returncode == 1
    assert told in done.stderr
