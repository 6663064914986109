"""A server that keeps objects, and what the tests put there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ademan.storage.push import PART_BYTES
from tests.storage.servers import Between, emptied, s3_server, surround

PARTS = 3


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    surround(monkeypatch, server, tmp_path / "user")


@pytest.fixture
def s3(server: str, surroundings: None) -> Any:
    """A client of a server with one empty bucket."""
    return emptied(server)


@pytest.fixture
def between(server: str, s3: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Between]:
    """All that is asked of the server goes through this."""
    found = Between(server)
    monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
    yield found
    found.stop()


@pytest.fixture(scope="session")
def large() -> bytes:
    """Content of three parts, the last one small."""
    return np.random.default_rng(0).bytes((PARTS - 1) * PART_BYTES + 1000)


@pytest.fixture
def large_file(tmp_path: Path, large: bytes) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(large)
    return path
