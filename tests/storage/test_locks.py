"""Locks between processes."""

import subprocess
import sys
from pathlib import Path

from ademan.storage.locks import held, lock_of

HELD_AND_KILLED = """
import os, signal, sys
from pathlib import Path
from ademan.storage.locks import held
with held(Path(sys.argv[1]), wait=False) as free:
    assert free
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "a"
    with held(lock, wait=False) as free:
        assert free
        with held(lock, wait=False) as second:
            assert not second
        with held(tmp_path / "locks" / "b", wait=False) as other:
            assert other
    with held(lock, wait=True) as again:
        assert again


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", HELD_AND_KILLED, tmp_path / "a"], check=False)
    with held(tmp_path / "a", wait=False) as free:
        assert free


def test_one_path_has_one_lock(tmp_path: Path) -> None:
    assert lock_of(tmp_path / "a") == lock_of(tmp_path / "a") != lock_of(tmp_path / "b")
