import threading
from typing import Any

import pytest

from ademan.cli.retrain import retrain
from ademan.cli.worker import worker
from ademan.errors import ConfigError
from ademan.studio.data.jobs import Held
from ademan.studio.work.gate import Judged
from ademan.studio.work.pulse import Pulse
from ademan.studio.work.retrain import Outcome, Workshop
from ademan.studio.work.worker import Worker
from tests.studio.work.conftest import Filled, Silence

NEW = Judged(("wave", "bow", "idle"), ((9, 1, 0), (0, 10, 0), (0, 0, 0)))
OLD = Judged(("wave", "bow", "idle"), ((8, 2, 0), (1, 9, 0), (0, 0, 0)))


def trained(_: Workshop, held: Held, pulse: Pulse) -> Outcome:
    pulse.tell("Epoch 1 of [1], loss 0.5", 0.5)
    result: dict[str, Any] = {"new": NEW.to_json(), "old": OLD.to_json(), "told": ["Tested on whole recordings."]}
    decision = {"verdict": "promoted", "reasons": ["19 of 20 clips are right."]}
    return Outcome({**result, "decision": decision}, "Version 2 is live: 19 of 20 clips are right.")


def test_a_set_that_is_not_there_is_told_with_those_that_are(filled: Filled) -> None:
    with pytest.raises(ConfigError, match=r"there is no gesture set 'Signs'\. There are: 'Greetings'"):
        retrain("Signs", config=filled.studio.config)


def test_a_job_is_queued_whatever_the_case_of_the_name(filled: Filled, capsys: pytest.CaptureFixture[str]) -> None:
    retrain("GREETINGS", config=filled.studio.config)
    (job,) = filled.jobs.recent()
    assert (job.state, job.set_id, job.kind) == ("queued", filled.set_id, "train")
    assert capsys.readouterr().out == f"job {job.id} is queued.\n"


def test_waiting_tells_how_it_goes_and_what_came_of_it(filled: Filled, capsys: pytest.CaptureFixture[str]) -> None:
    does = Worker(filled.workshop, Silence(), do=trained, look_s=0.2)
    thread = threading.Thread(target=does.run)
    thread.start()
    try:
        retrain("Greetings", config=filled.studio.config, wait=True)
    finally:
        does.end()
        thread.join(20)
    said = capsys.readouterr().out
    assert "\nVersion 2 is live: 19 of 20 clips are right.\n" in said
    assert "\nEpoch 1 of [1], loss 0.5\n" in said
    rows = [line.split() for line in said.splitlines()]
    assert ["all", "20", "85.0%", "95.0%"] in rows
    assert ["wave", "10", "80.0%", "90.0%"] in rows
    assert not any(row[:1] == ["idle"] for row in rows)
    assert "Tested on whole recordings." in said


def test_a_job_that_fails_ends_with_an_error(filled: Filled, capsys: pytest.CaptureFixture[str]) -> None:
    does = Worker(filled.workshop, Silence(), look_s=0.2)
    thread = threading.Thread(target=does.run)
    thread.start()
    try:
        with pytest.raises(SystemExit) as caught:
            retrain("Greetings", config=filled.studio.config, wait=True)
    finally:
        does.end()
        thread.join(20)
    assert caught.value.code == 1
    assert "ademan: the job failed: there is too little to learn from" in capsys.readouterr().err


def test_a_worker_that_would_look_all_the_time_is_refused(filled: Filled) -> None:
    with pytest.raises(ConfigError, match="--look-s must be above zero, found 0"):
        worker(config=filled.studio.config, look_s=0)
