"""A program at the terminal: what the keyboard sends is its own, and its exit code comes back."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from orchestrator.errors import LackError
from orchestrator.run.shell.foreground import foreground
from tests.cli.terminal import python, seen

CALL = "from orchestrator.run.shell.foreground import foreground; print(foreground(['sh', '-c', {!r}]))"


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137)])
def test_exit_code_when_a_program_ends(script: str, code: int) -> None:
    """That of the program, as shells count it."""
    assert foreground(["sh", "-c", script]) == (code, False)


def test_lack_when_there_is_no_program() -> None:
    with pytest.raises(LackError, match="no-such-program"):
        foreground(["no-such-program"])


def test_ctrl_c_when_a_program_has_the_terminal() -> None:
    """It gets the signal; whoever started it waits, and goes on. The terminal has its echo again."""
    script = 'trap "echo caught; stty -echo; exit 3" INT; echo "press]: "; sleep 60 & wait'
    screen = seen(python(CALL.format(script) + "; import os; os.system('stty -a')"), 80, keys=b"\x03")
    assert "caught" in screen.text
    assert "(3, False)" in screen.text
    assert " echo " in screen.text
    assert screen.code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_program_when_this_process_is_to_end(number: signal.Signals) -> None:
    """The program is ended, and the caller told, so that it can clean up."""
    argv = [sys.executable, "-c", CALL.format("echo up; exec sleep 300")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(number)
        assert process.stdout.readline() == b"(143, True)\n"
