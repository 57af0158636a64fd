"""Which outcome the reports of a test's phases make."""

from __future__ import annotations

import pytest

from orchestrator.validate.suite.plugin import result_of
from orchestrator.validate.verdict import Outcome


def report(said: str) -> pytest.TestReport:
    """A phase as `setup passed`, `call xfailed`, ..."""
    when, outcome = said.split()
    made = pytest.TestReport(
        nodeid="roles/one/tests/test_a.py::test_it",
        location=("test_a.py", 0, "test_it"),
        keywords={},
        outcome={"xfailed": "skipped", "xpassed": "passed"}.get(outcome, outcome),  # type: ignore[arg-type]
        longrepr=None if outcome in ("passed", "xpassed") else f"why {said}",
        when=when,  # type: ignore[arg-type]
    )
    if outcome.startswith("x"):
        made.wasxfail = "known"
    return made


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("setup passed, call passed, teardown passed", Outcome.PASSED),
        ("setup passed, call failed, teardown passed", Outcome.FAILED),
        ("setup failed, teardown passed", Outcome.ERROR),
        ("setup passed, call passed, teardown failed", Outcome.ERROR),
        ("setup skipped, teardown passed", Outcome.SKIPPED),
        ("setup skipped, teardown failed", Outcome.ERROR),
        ("setup passed, call skipped, teardown failed", Outcome.ERROR),
        ("setup passed, call skipped, call failed, teardown passed", Outcome.FAILED),
        ("setup passed, call failed, call skipped, teardown passed", Outcome.FAILED),
        ("setup passed, call xfailed, teardown passed", Outcome.XFAILED),
        ("setup passed, call xfailed, teardown failed", Outcome.ERROR),
        ("setup passed, call xpassed, teardown passed", Outcome.XPASSED),
        ("setup passed, call xpassed, teardown failed", Outcome.ERROR),
        ("setup passed, teardown passed", Outcome.ERROR),
        ("setup passed", Outcome.ERROR),
    ],
)
def test_what_failed_decides(said: str, outcome: Outcome) -> None:
    reports = [report(one) for one in said.split(", ")]
    result = result_of("one", reports[0].nodeid, reports, 1.0)
    assert result.outcome is outcome


def test_no_report_is_an_error() -> None:
    assert result_of("one", "roles/one/tests/test_a.py::test_it", [], 0.0).outcome is Outcome.ERROR


def test_every_failure_of_a_test_is_told() -> None:
    reports = [report(one) for one in ("setup passed", "call failed", "teardown failed")]
    result = result_of("one", reports[0].nodeid, reports, 1.0)
    assert result.details == "why call failed\nwhy teardown failed"
    assert result.message == "why call failed\nwhy teardown failed"
