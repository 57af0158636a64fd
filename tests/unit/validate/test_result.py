"""Which outcome the reports of a test's phases make."""

from __future__ import annotations

import pytest

from orchestrator.validate.suite.plugin import result_of
from orchestrator.validate.verdict import TestOutcome


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
        ("setup passed, call passed, teardown passed", TestOutcome.PASSED),
        ("setup passed, call failed, teardown passed", TestOutcome.FAILED),
        ("setup failed, teardown passed", TestOutcome.ERROR),
        ("setup passed, call passed, teardown failed", TestOutcome.ERROR),
        ("setup skipped, teardown passed", TestOutcome.SKIPPED),
        ("setup skipped, teardown failed", TestOutcome.ERROR),
        ("setup passed, call skipped, teardown failed", TestOutcome.ERROR),
        ("setup passed, call skipped, call failed, teardown passed", TestOutcome.FAILED),
        ("setup passed, call failed, call skipped, teardown passed", TestOutcome.FAILED),
        ("setup passed, call xfailed, teardown passed", TestOutcome.XFAILED),
        ("setup passed, call xfailed, teardown failed", TestOutcome.ERROR),
        ("setup passed, call xpassed, teardown passed", TestOutcome.XPASSED),
        ("setup passed, call xpassed, teardown failed", TestOutcome.ERROR),
        ("setup passed, teardown passed", TestOutcome.ERROR),
        ("setup passed", TestOutcome.ERROR),
    ],
)
def test_what_failed_decides(said: str, outcome: TestOutcome) -> None:
    reports = [report(one) for one in said.split(", ")]
    result = result_of("one", reports[0].nodeid, reports, 1.0)
    assert result.outcome is outcome


def test_no_report_is_an_error() -> None:
    assert result_of("one", "roles/one/tests/test_a.py::test_it", [], 0.0).outcome is TestOutcome.ERROR


def test_every_failure_of_a_test_is_told() -> None:
    reports = [report(one) for one in ("setup passed", "call failed", "teardown failed")]
    result = result_of("one", reports[0].nodeid, reports, 1.0)
    assert result.details == "why call failed\nwhy teardown failed"
    assert result.message == "why call failed\nwhy teardown failed"
