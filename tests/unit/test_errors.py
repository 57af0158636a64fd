"""Errors that a person can meet."""

from __future__ import annotations

from pathlib import Path

from orchestrator.errors import DefinitionError, Problem, did_you_mean


def test_definition_error_when_problems_come_in_any_order() -> None:
    """Problems are told once each, by file and line."""
    first, second = Problem(Path("a.yml"), 2, "x"), Problem(Path("a.yml"), 10, "y")
    error = DefinitionError([second, first, second])
    assert error.message == "a.yml:2: x\na.yml:10: y"


def test_problem_when_the_whole_file_is_meant() -> None:
    """No line is invented where there is none."""
    assert str(Problem(Path("ami.yml"), 0, "not found")) == "ami.yml: not found"


def test_did_you_mean_when_a_name_is_near() -> None:
    """The nearest name is offered."""
    assert did_you_mean("goldn", ["web", "golden"]) == " (did you mean 'golden'?)"


def test_did_you_mean_when_nothing_is_near() -> None:
    """Nothing is offered that would not help."""
    assert did_you_mean("zzz", ["web", "golden"]) == ""
