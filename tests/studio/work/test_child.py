import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from ademan.errors import TrainingError
from ademan.studio.work.child import run_task

CONFIG = {"training": {"epochs": 2, "refit": "few"}}


def program(code: str) -> tuple[str, ...]:
    """A process that does something else in the place of a training; `folder` is where."""
    return (sys.executable, "-c", f"import sys, json, time, pathlib; folder = pathlib.Path(sys.argv[1])\n{code}")


def go_on() -> None:
    pass


def ignore(line: str, share: float) -> None:
    pass


def test_the_outcome_comes_back(tmp_path: Path) -> None:
    code = "(folder / 'outcome.json').write_text(json.dumps({'seconds': 3}))"
    assert run_task(tmp_path, go_on, ignore, program(code)) == {"seconds": 3}


def test_an_outcome_of_before_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "outcome.json").write_text('{"seconds": 3}', encoding="utf-8")
    with pytest.raises(TrainingError, match="ended with code 0 and has no result: it said nothing"):
        run_task(tmp_path, go_on, ignore, program("pass"))


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    code = "(folder / 'outcome.json').write_text(json.dumps({'error': 'training needs clips of two classes'}))"
    with pytest.raises(TrainingError, match="training needs clips of two classes"):
        run_task(tmp_path, go_on, ignore, program(code))


def test_a_process_that_dies_is_told_with_what_it_said_last(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"ended with code 1 and has no result: Traceback[\s\S]*ZeroDivisionError"):
        run_task(tmp_path, go_on, ignore, program("1 / 0"))


def test_a_process_that_is_killed_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="was killed, as the system does when memory runs out"):
        run_task(tmp_path, go_on, ignore, program("import os; os.kill(os.getpid(), 9)"))
    with pytest.raises(TrainingError, match="was ended by SIGABRT and has no result: it is broken"):
        run_task(tmp_path, go_on, ignore, program("import os; print('it is broken', flush=True); os.abort()"))


def test_a_check_that_says_stop_ends_the_process_and_all_that_it_started(tmp_path: Path) -> None:
    code = (
        "import subprocess\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'])\n"
        "(folder / 'pids').write_text(f'{other.pid}')\n"
        "time.sleep(100)"
    )

    def stop_when_begun() -> None:
        if (tmp_path / "pids").exists() and (tmp_path / "pids").read_text(encoding="utf-8"):
            raise KeyboardInterrupt

    started_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_task(tmp_path, stop_when_begun, ignore, program(code))
    assert time.monotonic() - started_s < 8
    other = int((tmp_path / "pids").read_text(encoding="utf-8"))
    assert not psutil.pid_exists(other) or psutil.Process(other).status() == psutil.STATUS_ZOMBIE


def test_epochs_are_told_as_they_come(tmp_path: Path) -> None:
    code = (
        "def write(name, rows):\n"
        "    path = folder / 'run' / name\n"
        "    path.parent.mkdir(parents=True, exist_ok=True)\n"
        "    lines = [f'{k},0.5,0.75' for k in range(1, rows + 1)]\n"
        "    path.write_text('\\n'.join(['epoch,train_loss,val_accuracy', *lines, '']))\n"
        "    time.sleep(0.6)\n"
        "(folder / 'run').mkdir()\n"
        f"(folder / 'run' / 'config.json').write_text(json.dumps({CONFIG!r}))\n"
        "write('history.csv', 1); write('history.csv', 2); write('refit/history.csv', 2)\n"
        "(folder / 'run' / 'bundle').mkdir()\n"
        "(folder / 'outcome.json').write_text('{}')"
    )
    told: list[tuple[str, float]] = []
    run_task(tmp_path, go_on, lambda line, share: told.append((line, round(share, 4))), program(code))
    assert told == [
        ("Epoch 1 of 2, loss 0.500, accuracy of validation 0.750", 0.2375),
        ("Epoch 2 of 2, loss 0.500, accuracy of validation 0.750", 0.475),
        ("Once more on all clips: epoch 1 of 2, loss 0.500, accuracy of validation 0.750", 0.7125),
        ("Once more on all clips: epoch 2 of 2, loss 0.500, accuracy of validation 0.750", 0.95),
        ("Trained; both models are judged.", 0.96),
    ]


def test_epochs_of_an_earlier_attempt_are_not_told_again(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    (tmp_path / "run" / "history.csv").write_text("epoch,train_loss\n1,0.5\n", encoding="utf-8")
    code = (
        "(folder / 'run' / 'history.csv').write_text('epoch,train_loss\\n1,0.5\\n2,0.4\\n')\n"
        "(folder / 'outcome.json').write_text('{}')"
    )
    told: list[str] = []
    run_task(tmp_path, go_on, lambda line, _: told.append(line), program(code))
    assert told == ["Epoch 2 of 2, loss 0.400"]


def test_the_process_that_trains_ends_when_its_worker_is_killed(tmp_path: Path) -> None:
    endless = (
        "import ademan.studio.work.task as task, time, pathlib, sys, os\n"
        "task.perform = lambda folder: ((folder / 'pid').write_text(str(os.getpid())), time.sleep(100))\n"
        "task.main()"
    )
    code = (
        "import sys, pathlib\n"
        "from ademan.studio.work.child import run_task\n"
        f"run_task(pathlib.Path(sys.argv[1]), lambda: None, lambda *_: None, (sys.executable, '-c', {endless!r}))"
    )
    worker = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    pid = int(_wait_for(tmp_path / "pid"))
    worker.kill()
    worker.wait()
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(5)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def _wait_for(path: Path, seconds: float = 60.0) -> str:
    end_s = time.monotonic() + seconds
    while not (path.exists() and path.read_text(encoding="utf-8")):
        assert time.monotonic() < end_s, f"{path} does not come"
        time.sleep(0.05)
    return path.read_text(encoding="utf-8")
