"""The board of a build, on a terminal and without one."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from orchestrator.cli.progress import Board, Lines
from orchestrator.progress import Event, Stage
from tests.cli.terminal import python, seen

TEXT = st.text(st.characters(), max_size=40)

#: The names of tests that Rich would take for markup, one of them for markup that is wrong.
_WORK = """
import time
from orchestrator.cli.progress import shown
from orchestrator.progress import Event, Stage
with shown(["web", "analytics@debian-13-arm64"], 30.0) as listener:
    for message in ("test_change_is_watched[/etc/passwd]", "test_parameter[kernel.x-2]", "[red]x[/red] \\x1b[2J :-)"):
        listener(Event("web", Stage.TEST, message=message))
        time.sleep(0.4)
    listener(Event("web", Stage.DONE, message="[bold]validated"))
"""


#: A run that is stopped while the board is drawn.
_STOPPED = """
import time
from orchestrator.cli.progress import shown
from orchestrator.cli.terminal import say
from orchestrator.progress import Event, Stage
with shown(["web", "golden"], 30.0) as listener:
    listener(Event("web", Stage.PROVISION, message="x"))
    time.sleep(0.6)
    say("stopping: [bold]Packer[/bold] cleans up")
    time.sleep(0.6)
    listener(Event("web", Stage.DONE, message="stopped"))
"""


@settings(deadline=None, max_examples=200)
@given(image=TEXT, message=TEXT, role=TEXT, task=TEXT, layer=TEXT)
def test_board_when_fields_are_any_text(image: str, message: str, role: str, task: str, layer: str) -> None:
    """Every character that there is, in every field: the board is drawn, and nothing is read as markup."""
    board = Board(["web", image], 10)
    board(Event(image, Stage.PROVISION, message=message, role=role, task=task, layer=layer))
    out = io.StringIO()
    Console(file=out, width=100, force_terminal=True, color_system=None).print(board.shown())
    assert "0 of " in out.getvalue()


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_board_when_messages_look_like_markup(columns: int) -> None:
    """The board goes on to the end, and shows what stands there, brackets included."""
    screen = seen(python(_WORK), columns)
    assert screen.code == 0, screen.text
    assert "Traceback" not in screen.raw
    assert "test_parameter[kernel.x-2]" in screen.raw
    rows = [line.split() for line in screen.lines]
    assert ["web", "done"] in [row[:2] for row in rows], screen.text
    assert ["analytics@debian-13-arm64", "wait"] in [row[:2] for row in rows], screen.text
    assert "[bold]validated" in screen.text
    assert any(line.startswith("1 of 2 done after") and "left" in line for line in screen.lines), screen.text


@pytest.mark.parametrize("columns", [80, 160])
def test_board_when_something_is_said_meanwhile(columns: int) -> None:
    """What is said stands above the board, as it is, and the board is there once."""
    screen = seen(python(_STOPPED), columns)
    assert screen.code == 0, screen.text
    assert [line.split()[0] for line in screen.lines if line.strip()][:4] == [
        "stopping:",
        "IMAGE",
        "─" * (columns - 2),
        "web",
    ]
    assert screen.lines.count("stopping: [bold]Packer[/bold] cleans up") == 1, screen.text


def test_lines_when_nothing_is_said_for_long(capsys: pytest.CaptureFixture[str]) -> None:
    """A log gets a sign of life, with what is worked on."""
    lines = Lines(quiet=0.05)
    with lines.alive():
        lines(Event("web", Stage.TEST, message="[/x]"))
        while "at work: web (test)" not in (said := capsys.readouterr().err):
            assert "Traceback" not in said


def test_lines_when_another_run_works_on_it(capsys: pytest.CaptureFixture[str]) -> None:
    """One line says who, and for how long by then; on a board that time goes on."""
    event = Event("web", Stage.WAIT, "being built by run r (process 7 on ci-7)", seconds=170, run="r")
    lines, board = Lines(), Board(["web"])
    for listener in (lines, lines, board):
        listener(event)
    board._stage_since["web"] -= 60
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("web          wait       being built by run r (process 7 on ci-7) for 3 min")
    out = io.StringIO()
    Console(file=out, width=120).print(board.shown())
    assert "being built by run r (process 7 on ci-7) for 4 min" in out.getvalue()
