from __future__ import annotations

import secrets
import subprocess
from typing import TYPE_CHECKING

import pytest

from orchestrator.validate.connection import Asked, Connection
from orchestrator.validate.errors import CommandTimedOut, ConnectionFault, OutputTooLarge

if TYPE_CHECKING:
    from pathlib import Path

#: What Run Command carries of standard output.
CUT = 24_000


class LocalShell:
    """This machine's own sh, with Run Command's cut; it breaks when told to."""

    def __init__(self) -> None:
        self.scripts: list[str] = []
        self.broken = False

    def run(self, script: str, seconds: float) -> str:
        self.scripts.append(script)
        done = subprocess.run(["sh"], input=script.encode(), capture_output=True, timeout=seconds, check=True)
        said = done.stdout.decode("utf-8", "replace")
        return said[: len(said) // 2] if self.broken else said[:CUT]


@pytest.fixture
def shell() -> LocalShell:
    return LocalShell()


@pytest.fixture
def connection(shell: LocalShell, tmp_path: Path) -> Connection:
    return Connection(shell, spool=str(tmp_path / "spool"))


def test_one_command_is_one_call(connection: Connection, shell: LocalShell) -> None:
    answer = connection.ask(b"echo out; echo err >&2; exit 7")
    assert (answer.code, answer.stdout, answer.stderr) == (7, b"out\n", b"err\n")
    assert len(shell.scripts) == 1
    assert connection.asked == [Asked("echo out; echo err >&2; exit 7", "7")]


def test_long_output_is_fetched_and_removed(connection: Connection, tmp_path: Path) -> None:
    content = secrets.token_bytes(200_000)
    (tmp_path / "file").write_bytes(content)
    assert connection.ask(b"cat %s/file" % str(tmp_path).encode()).stdout == content
    assert [path.name for path in (tmp_path / "spool").rglob("*") if path.is_file()] == ["said"]


def test_a_damaged_answer_ends_all_asking(connection: Connection, shell: LocalShell) -> None:
    shell.broken = True
    with pytest.raises(ConnectionFault):
        connection.ask(b"true")
    shell.broken = False
    with pytest.raises(ConnectionFault):
        connection.ask(b"echo other")
    assert len(shell.scripts) == 1
    assert connection.fault is not None
    assert connection.asked == [Asked("true", "no answer")]


def test_a_commands_own_failure_is_its_own(connection: Connection) -> None:
    with pytest.raises(CommandTimedOut):
        connection.ask(b"sleep 60", 0.2)
    with pytest.raises(OutputTooLarge):
        connection.ask(b"head -c 11000000 /dev/zero")
    assert connection.ask(b"echo on").stdout == b"on\n"
    assert [one.ended for one in connection.asked] == ["timed out", "output too large", "0"]
