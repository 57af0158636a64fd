"""Questions before something is changed: on a terminal, and where nobody can answer."""

from __future__ import annotations

import subprocess

import pytest

from tests.cli.terminal import python, seen

_ASKS = """
import sys
from orchestrator.cli import main
from orchestrator.cli.terminal import confirm, say
def command(**_):
    confirm("Remove 3 things?", yes=False, default=%s)
    say("done")
main.app = command
main.main()
"""


@pytest.mark.parametrize(
    ("default", "keys", "code"),
    [(True, b"\r", 0), (False, b"\r", 130), (False, b"y\r", 0), (True, b"n\r", 130), (True, b"\x03", 130)],
    ids=["enter", "enter where things are deleted", "yes", "no", "ctrl-c"],
)
def test_confirm_on_a_terminal(*, default: bool, keys: bytes, code: int) -> None:
    """Enter means the default, which is no where something is deleted; no and Ctrl-C end with 130."""
    screen = seen(python(_ASKS % default), 80, keys=keys)
    assert screen.code == code, screen.text
    assert ("done" in screen.lines) == (code == 0), screen.text
    assert "Aborted!" not in screen.text
    assert ("error: nothing was changed" in screen.lines) == (code != 0), screen.text


def test_confirm_without_a_terminal() -> None:
    """No terminal is no yes: exit code 2, and how to say yes."""
    done = subprocess.run(python(_ASKS % True), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nothing was changed" in done.stderr
    assert "--yes" in done.stderr
    assert "--dry-run" in done.stderr
    assert "done" not in done.stderr.splitlines()
