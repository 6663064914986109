"""The documentation is tested: marked examples run, commands parse, names exist, links lead somewhere.

A block of Python after the line `<!-- runnable -->` is run in a folder that holds `hands.h5` and `bundle`.
"""

import importlib
import json
import os
import re
import runpy
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from cyclopts import CycloptsError

from ademan.cli import VERBS, app

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_RUNNABLE = re.compile(r"<!-- runnable -->\n```python\n(.*?)```", re.DOTALL)
_SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_COMMAND = re.compile(r"(?:^ *|`)ademan ([a-z][^`\n]*)", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|\s)#.*")
_NAME = re.compile(r"\bademan(?:\.[A-Za-z_]\w*)+")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def found(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """Return what a pattern finds, each once, with the page that it is first on."""
    matches = {
        match[match.lastindex or 0]: page.relative_to(ROOT).as_posix()
        for page in reversed(PAGES)
        for match in pattern.finditer(page.read_text(encoding="utf-8"))
    }
    return [(page, text) for text, page in matches.items()]


def shell_commands() -> Iterator[tuple[str, list[str]]]:
    """Yield the words after each `ademan` in blocks of shell."""
    for page, block in found(_SHELL):
        for line in block.replace("\\\n", " ").splitlines():
            for program, *arguments in commands_of(_COMMENT.sub("", line)):
                if program == "ademan":
                    yield page, arguments


def commands_of(line: str) -> list[list[str]]:
    """Return the words of each command of a line; pipes and the like part them."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;><")
    lexer.commenters, lexer.whitespace_split = "", True
    return [list(words) for _, words in groupby(lexer, key=lambda word: set(word) <= set("|&;><"))]


@pytest.mark.parametrize(("page", "code"), found(_RUNNABLE), ids=lambda text: text if text.endswith(".md") else "")
def test_examples_run(
    page: str, code: str, dataset_file: Path, small_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "example"
    folder.mkdir()
    shutil.copy(dataset_file, folder / "hands.h5")
    shutil.copytree(small_bundle, folder / "bundle")
    (folder / "example.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(folder)
    runpy.run_path("example.py", run_name="__main__")


@pytest.mark.parametrize(("page", "words"), list(shell_commands()), ids=str)
def test_commands_parse(page: str, words: list[str]) -> None:
    try:
        app.parse_args(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        pytest.fail(f"{page}: ademan {' '.join(words)}: {error}")


def test_verbs_that_are_named_exist() -> None:
    unknown = [(page, line) for page, line in found(_COMMAND) if line.split()[0] not in VERBS]
    assert not unknown


def test_every_verb_is_described() -> None:
    described = re.findall(r"^## (\w+)$", (ROOT / "docs" / "commands.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(VERBS) <= set(described)


@pytest.mark.parametrize(("page", "name"), found(_NAME))
def test_python_names_exist(page: str, name: str) -> None:
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            assert hasattr(value, part), f"{page}: there is no {name}"
            value = getattr(value, part)
        return
    pytest.fail(f"{page}: there is no {name}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_to_files(page: Path) -> None:
    links = [link.partition("#")[0] for link in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert not [link for link in links if link and not (page.parent / link).exists()]


def test_every_page_of_the_docs_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link).resolve() for link in _LINK.findall(index.read_text(encoding="utf-8"))}
    assert not [page for page in (ROOT / "docs").rglob("*.md") if page != index and page.resolve() not in linked]


def tour(title: str, language: str = "sh") -> str:
    """Return the first shell lines, or Python lines, below a title of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    part = text[text.index(f"## {title}") :].partition(f"```{language}\n")[2]
    return part.split("```")[0].replace(". .venv/bin/activate\n", "")


def pasted(commands: list[list[str]], folder: Path) -> str:
    """Run commands as a user would, and return what the last one printed."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command in commands:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_tour_without_a_camera_works_when_pasted(tmp_path: Path) -> None:
    """All shell lines, as one script, and the Python after them; the demo goes before."""
    shell, python = tour("Without a camera"), tour("Without a camera", "python")
    said = pasted([["ademan", "demo"], ["sh", "-euc", shell], [sys.executable, "-c", python]], tmp_path)
    assert (tmp_path / "runs" / "first-report" / "report.html").is_file()
    assert len(said.splitlines()) > 100


@pytest.mark.slow
def test_the_tour_with_a_camera_works_when_pasted(tmp_path: Path, real_data: Path) -> None:
    """The lines as they stand, but that videos are played as the camera, and no window opens."""
    shell = tour("Five minutes")
    for gesture, video in {"wave": "num5_s2_1", "fist": "fan_off_s2_1", "idle": "num0_s2_1"}.items():
        played = real_data / "home-gestures" / "raw_videos" / video.rpartition("_s")[0] / f"{video}.mp4"
        told = f"--device {played} --no-window --seconds 0.5 --countdown 0.1"
        shell = shell.replace(f"capture {gesture}", f"capture {gesture} {told}").replace("--count 5", "--count 3")
    shell = shell.replace("live runs/mine/bundle", f"live runs/mine/bundle {played} --headless --predictions")
    said = pasted([["sh", "-euc", shell]], tmp_path)
    assert len(list((tmp_path / "raw_videos").rglob("*.mp4"))) == 9
    assert '"probabilities": {"fist"' in said


@pytest.mark.slow
def test_the_tour_over_the_network_works_when_pasted(tmp_path: Path) -> None:
    """The lines as they stand, but on a port of their own; the server is ended after them."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shell = tour("Over the network").replace("8000", str(port)).replace(" &\n", f" --port {port} &\n")
    said = pasted([["ademan", "demo"], ["sh", "-euc", f"trap 'kill $!' EXIT\n{shell}"]], tmp_path)
    answer = json.loads(said.splitlines()[-1])
    assert answer["label"] in answer["probabilities"]
    assert answer["confidence"] == max(answer["probabilities"].values())
