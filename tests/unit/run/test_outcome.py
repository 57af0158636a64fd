"""What became of a segment, for programs and for exit codes."""

from __future__ import annotations

import pytest

from orchestrator.errors import StageError
from orchestrator.run.outcome import Outcome, Status, Summary
from orchestrator.validate.round import Round


def test_outcome_when_its_tests_asked_in_rounds() -> None:
    """The rounds are part of the JSON; without any there is no such field."""
    one = Round(number=1, waiting=5, commands=4, calls=3, scripts=1, parts=0, seconds=0.5)
    asked = Outcome("web", Status.VALIDATED, rounds=(one,)).as_json()
    assert asked["rounds"] == [
        {"number": 1, "waiting": 5, "commands": 4, "calls": 3, "scripts": 1, "parts": 0, "seconds": 0.5}
    ]
    assert "rounds" not in Outcome("web", Status.VALIDATED).as_json()


@pytest.mark.parametrize("status", [Status.CHECKED, Status.VALIDATED, Status.REUSED])
def test_run_when_it_came_to_something(status: Status) -> None:
    """Chosen tests that passed are no failure."""
    Summary("run", "folder", (Outcome("web", status),)).raise_for_status()


@pytest.mark.parametrize("status", [Status.BUILT, Status.REJECTED, Status.FAILED, Status.CANCELLED])
def test_run_when_it_came_to_nothing(status: Status) -> None:
    with pytest.raises(StageError, match=str(status)):
        Summary("run", "folder", (Outcome("web", status),)).raise_for_status()
