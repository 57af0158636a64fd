"""What became of a segment, for programs and for exit codes."""

from __future__ import annotations

import pytest

from orchestrator.errors import Interrupted, StageError
from orchestrator.run.outcome import SegmentOutcome, SegmentStatus, Summary
from orchestrator.validate.round import Round


def test_outcome_when_its_tests_asked_in_rounds() -> None:
    """The rounds are part of the JSON; without any the list is empty."""
    one = Round(number=1, waiting=5, commands=4, calls=3, scripts=1, parts=0, seconds=0.5)
    asked = SegmentOutcome("web", SegmentStatus.VALIDATED, rounds=(one,)).as_json()
    assert asked["rounds"] == [
        {"number": 1, "waiting": 5, "commands": 4, "requests": 3, "scripts": 1, "parts": 0, "seconds": 0.5}
    ]
    assert SegmentOutcome("web", SegmentStatus.VALIDATED).as_json()["rounds"] == []


@pytest.mark.parametrize("status", [SegmentStatus.CHECKED, SegmentStatus.VALIDATED, SegmentStatus.REUSED])
def test_run_when_it_came_to_something(status: SegmentStatus) -> None:
    """Chosen tests that passed are no failure."""
    Summary("run", "folder", (SegmentOutcome("web", status),)).raise_for_status()


@pytest.mark.parametrize(
    "status", [SegmentStatus.BUILT, SegmentStatus.REJECTED, SegmentStatus.FAILED, SegmentStatus.CANCELLED]
)
def test_run_when_it_came_to_nothing(status: SegmentStatus) -> None:
    with pytest.raises(StageError, match=str(status)):
        Summary("run", "folder", (SegmentOutcome("web", status),)).raise_for_status()


def test_run_when_it_was_interrupted() -> None:
    """The hint is of the command that was interrupted."""
    stopped = Summary("run", "folder", (), interrupted=True)
    with pytest.raises(Interrupted) as build:
        stopped.raise_for_status()
    with pytest.raises(Interrupted) as validation:
        stopped.raise_for_status("ami validate ami-1 tests it anew")
    assert [one.value.hint for one in (build, validation)] == [
        "ami build continues",
        "ami validate ami-1 tests it anew",
    ]
