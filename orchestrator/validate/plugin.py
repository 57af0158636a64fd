"""The pytest plugins of a validation: one runs the tests in rounds, one tells of each as it ends.

`tell` gets one object per event:
    {"event": "collected", "roles": {role: number of tests}}
    {"event": "problem", "text": ...}           a file that could not be collected
    {"event": "ask", "round": ..., "waiting": ..., "questions": [...]}    see suite.py
    {"event": "test", ...}                      the fields of verdict.TestResult
    {"event": "fault", "text": ...}             the machine cannot be asked any more; the session stops
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.validate import facts, fixtures
from orchestrator.validate.attributes import Attributes
from orchestrator.validate.coordinator import Coordinator
from orchestrator.validate.fixtures import role_of
from orchestrator.validate.leaf import Recorder
from orchestrator.validate.line import Fault
from orchestrator.validate.verdict import Asked, Outcome, TestResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import testinfra.host

    from orchestrator.validate.coordinator import Machine
    from orchestrator.validate.question import Reply
    from orchestrator.validate.request import SuiteRequest

#: What the report keeps of one failure, in characters; and of the output of one of its commands.
_DETAILS, _OUTPUT = 20_000, 2_000


class SuitePlugin:
    """Tells what happens in one session."""

    def __init__(
        self, request: SuiteRequest, host: testinfra.host.Host, tell: Callable[[dict[str, Any]], None]
    ) -> None:
        self.rounds: RoundsPlugin | None = None
        self._request = request
        self._host = host
        self._tell = tell
        self._reports: list[pytest.TestReport] = []
        self._process = os.getpid()

    def pytest_configure(self, config: pytest.Config) -> None:
        """Give the fixtures what they tell."""
        config.stash[fixtures.HOST] = self._host
        config.stash[fixtures.REQUEST] = self._request
        config.pluginmanager.register(fixtures)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tell of a file that could not be collected."""
        if report.failed:
            self._tell({"event": "problem", "text": f"{report.nodeid}: {report.longreprtext.strip()}"})

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell how many tests each role brings."""
        self._tell({"event": "collected", "roles": Counter(role_of(item.nodeid) for item in session.items)})

    def pytest_runtest_logstart(self) -> None:
        """A test is told of."""
        self._reports = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the reports of a test's phases until all have been told."""
        self._reports.append(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Tell what a test did. Its own process is silent: whoever started all of them tells."""
        if os.getpid() != self._process:
            return
        seconds = sum(report.duration for report in self._reports)
        result = result_of(role_of(nodeid), nodeid, self._reports, seconds)
        if result.failed and self.rounds is not None:
            result = replace(result, asked=self.rounds.asked_now())
        self._tell({"event": "test", **asdict(result)})


class RoundsPlugin:
    """Runs the tests of a session in rounds on one machine."""

    def __init__(self, machine: Machine, host: testinfra.host.Host, known: Mapping[bytes, Reply]) -> None:
        self.coordinator: Coordinator | None = None
        self._fault = ""
        self._machine = machine
        self._host = host
        self._known = known

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make the marks known, and what forked processes need."""
        config.addinivalue_line("markers", "alone: the test changes the machine; it runs by itself, after all others")
        config.pluginmanager.register(Recorder(), Recorder.NAME)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run all tests; pytest's own loop does the rest, and all of a session that runs none."""
        broken = session.testsfailed and not session.config.option.continue_on_collection_errors
        if broken or session.config.option.collectonly or not session.items:
            return None
        known = self._known or facts.asked_of(self._machine)
        if isinstance(known, Fault):
            self._fault = known.text
            raise session.Interrupted("the machine cannot be asked")
        facts.take_in(self._host, known)
        self.coordinator = Coordinator(session, self._machine, self._host.backend, known)
        self.coordinator.run()
        return True

    @property
    def fault(self) -> str:
        """Why the verdict of the tests does not count; empty when it does."""
        if self.coordinator is None:
            return self._fault
        unclear = "; ".join(self.coordinator.unclear)
        return self.coordinator.faulted or (f"nothing is known of {unclear}" if unclear else "")

    def asked_now(self) -> tuple[Asked, ...]:
        """What the test that is being told of has asked."""
        if self.coordinator is None:
            return ()
        return tuple(_kept(command, reply) for command, reply in self.coordinator.asked_now())


def _kept(command: bytes, reply: Reply) -> Asked:
    text = Attributes.told(command.decode("utf-8", "backslashreplace"))
    if reply.answer is None:
        return Asked(text, str(reply.ended))
    output = (reply.answer.stdout + reply.answer.stderr).decode("utf-8", "backslashreplace")
    return Asked(text, str(reply.answer.code), output[:_OUTPUT])


def result_of(role: str, nodeid: str, reports: list[pytest.TestReport], seconds: float) -> TestResult:
    """One result from the reports of a test's phases: the first phase that did not pass decides."""
    telling = next((one for one in reports if not one.passed), None)
    if telling is None:
        called = next((one for one in reports if one.when == "call"), None)
        if called is None:
            return TestResult(role, nodeid, Outcome.ERROR, seconds, "the test did not run")
        unexpected = hasattr(called, "wasxfail")
        return TestResult(role, nodeid, Outcome.XPASSED if unexpected else Outcome.PASSED, seconds)
    message, details = _message(telling), telling.longreprtext
    if telling.skipped:
        outcome = Outcome.XFAILED if hasattr(telling, "wasxfail") else Outcome.SKIPPED
        return TestResult(role, nodeid, outcome, seconds, message)
    outcome = Outcome.FAILED if telling.when == "call" else Outcome.ERROR
    output = "\n".join(f"--- {name} ---\n{content}" for name, content in telling.sections)
    return TestResult(role, nodeid, outcome, seconds, message, details[-_DETAILS:], output[-_DETAILS:])


def _message(report: pytest.TestReport) -> str:
    """What went wrong in a few lines: the assertion with pytest's explanation, or the reason of a skip."""
    told = report.longrepr
    if isinstance(told, tuple):
        return str(told[2])
    crash = getattr(told, "reprcrash", None)
    return str(getattr(report, "wasxfail", "") or (crash.message if crash else report.longreprtext))
