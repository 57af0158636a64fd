"""Scripts through a pipe, with a shell of this host at the other end."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import LackError
from orchestrator.validate.errors import ConnectionFault
from orchestrator.validate.machine.piped import ROOT_SHELL, Piped
from orchestrator.validate.round import CallCount

if TYPE_CHECKING:
    from pathlib import Path


def here(*argv: str) -> Piped:
    """A pipe to a shell of this host."""
    return Piped(argv or ROOT_SHELL, name="sh", machine="here", stop=threading.Event())


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
@settings(max_examples=30, deadline=None)
def test_script_when_it_has_any_characters(text: str) -> None:
    """They arrive as they are."""
    quoted = text.replace("'", "'\\''")
    said = subprocess.run(["sh", "-c", f"printf %s '{quoted}'"], capture_output=True, check=True).stdout
    assert here().run(f"printf %s '{quoted}'\nexit 0\n", 5, CallCount()).encode() == said


@pytest.mark.parametrize("script", ["echo here", "echo here\n", "echo here\n\n\n", "f() { echo here; }\nf"])
def test_script_when_it_ends_in_any_way(script: str) -> None:
    assert here().run(script, 5, CallCount()) == "here\n"


def test_script_when_it_is_cut_on_its_way(tmp_path: Path) -> None:
    """Not a line of it is run."""
    mark = tmp_path / "mark"
    script = f"touch {mark}\nexit 0\n"
    with pytest.raises(ConnectionFault, match="the script was cut on its way"):
        here("sh", "-c", f'head -c {len(script)} | "$@"', "sh", *ROOT_SHELL).run(script, 5, CallCount())
    assert not mark.exists()


def test_programs_when_scripts_are_run() -> None:
    """Each start is counted, also one that comes to nothing."""
    pipe, tally = here(), CallCount()
    pipe.run("exit 0", 5, tally)
    with pytest.raises(ConnectionFault, match="sh failed on here: ended with exit code 3"):
        pipe.run("exit 3", 5, tally)
    assert tally.calls == {"sh": 2}


def test_script_when_the_program_is_not_there() -> None:
    with pytest.raises(LackError, match="'no-such-program' is not installed"):
        here("no-such-program").run("exit 0", 5, CallCount())
