"""A command line, run as a user would."""

from collections.abc import Callable

import pytest

from ademan.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process; return its exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        code = left.value.code
        return (code if isinstance(code, int) else 0 if code is None else 1), printed.out, printed.err

    return call
