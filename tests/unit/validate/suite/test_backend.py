"""What a test sees of a command that did not end as it should."""

from __future__ import annotations

import subprocess

import pytest
import testinfra.host

from orchestrator.validate.batch.question import Answer
from orchestrator.validate.suite.backend import SsmBackend
from orchestrator.validate.suite.plugin import _NOISE

CURL = "curl: (7) Failed to connect to localhost port 80"


class ShellAsker:
    """Runs the commands on this machine."""

    def ask(self, command: bytes, seconds: float, *, reads: bool) -> Answer:
        """As `Asker.ask`."""
        assert reads in (True, False)
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, timeout=seconds, check=False)
        return Answer(done.returncode, done.stdout, done.stderr)


def test_failure_begins_with_what_the_command_said() -> None:
    """Nothing of Testinfra's own objects comes before it, or in it."""
    host = testinfra.host.Host(SsmBackend("here", asker=ShellAsker()))
    with pytest.raises(AssertionError) as failed:
        host.check_output("echo trying; echo %s >&2; exit 7", CURL)
    said = _NOISE.sub("", f"AssertionError: {failed.value}").splitlines()[0]
    assert said.startswith("echo trying; echo ")
    assert said.endswith(f"exited 7: {CURL}")
    assert "SsmBackend" not in said


def test_result_when_a_command_is_long_and_silent() -> None:
    host = testinfra.host.Host(SsmBackend("here", asker=ShellAsker()))
    said = repr(host.run("true " + "x" * 5000))
    assert said.startswith("true xxx")
    assert said.endswith("exited 0")
    assert len(said) < 400
