"""The pytest plugins of a validation: one runs the tests in rounds, one tells of each as it ends.

`tell` gets one object per event:
    {"event": "collected", "roles": {role: number of tests}}
    {"event": "problem", "path": ..., "line": ..., "text": ...}           a file that could not be collected
    {"event": "ask", "round": ..., "waiting": ..., "questions": [...]}    see main.py
    {"event": "test", ...}                      the fields of verdict.TestResult
    {"event": "fault", "text": ...}             the machine cannot be asked any more; the session stops
    {"event": "stopped", "text": ...}           enough tests have failed (-x, --maxfail); the session stops
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.validate.excerpts import end
from orchestrator.validate.suite import fixtures
from orchestrator.validate.suite.failure_line import line_of
from orchestrator.validate.suite.uncollected import place_of
from orchestrator.validate.verdict import TestOutcome, TestResult
from orchestrator.validate.workers import facts
from orchestrator.validate.workers.coordinator import Coordinator
from orchestrator.validate.workers.ipc import Fault
from orchestrator.validate.workers.test_process import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import testinfra.host

    from orchestrator.validate.request import SuiteRequest
    from orchestrator.validate.verdict import AskedCommand
    from orchestrator.validate.workers.asker import MachineUnderTest

#: What the report keeps of one failure, in characters: of its traceback, and of what was captured.
_DETAILS = 20_000


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
        self._wrong: BaseException | None = None
        self._process = os.getpid()

    def pytest_configure(self, config: pytest.Config) -> None:
        """Give the fixtures what they tell."""
        config.stash[fixtures.HOST] = self._host
        config.stash[fixtures.REQUEST] = self._request
        config.pluginmanager.register(fixtures)

    def pytest_exception_interact(self, call: pytest.CallInfo[object], report: object) -> None:
        """Keep what went wrong in collecting."""
        if isinstance(report, pytest.CollectReport) and call.excinfo is not None:
            self._wrong = call.excinfo.value

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tell of a file that could not be collected."""
        if report.failed:
            self.problem(Path(self._request.root, report.nodeid.partition("::")[0]), self._wrong, report.longreprtext)
        self._wrong = None

    def problem(self, path: Path, error: BaseException | None, said: str = "") -> None:
        """Tell of a file that could not be collected, or of what it imports."""
        root = Path(self._request.root)
        place = place_of(error, root) if error is not None else None
        words = next(iter((said or str(error)).strip().splitlines()), "")
        name, line, text = place or (str(path.relative_to(root)), 0, words)
        self._tell({"event": "problem", "path": name, "line": line, "text": text})

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell how many tests each role brings."""
        roles = Counter(self._request.role_of(item.nodeid) for item in session.items)
        self._tell({"event": "collected", "roles": roles})

    def pytest_runtest_logstart(self) -> None:
        """Begin with no reports of this test."""
        self._reports = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the reports of a test's phases until all have been told."""
        self._reports.append(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Tell what a test did. Its own process is silent: whoever started all of them tells."""
        if os.getpid() != self._process:
            return
        seconds = sum(report.duration for report in self._reports)
        result = result_of(self._request.role_of(nodeid), nodeid, self._reports, seconds)
        file, line = line_of(nodeid, self._reports, Path(self._request.root))
        result = replace(result, file=file, line=line)
        asked = self.rounds.asked_now() if self.rounds is not None else ()
        self._tell({"event": "test", **asdict(replace(result, asked=asked) if result.failed else result)})

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell why not all tests have run, if that was wanted."""
        if session.shouldfail:
            self._tell({"event": "stopped", "text": str(session.shouldfail)})


class RoundsPlugin:
    """Runs the tests of a session in rounds on one machine."""

    def __init__(self, machine: MachineUnderTest, host: testinfra.host.Host) -> None:
        self.coordinator: Coordinator | None = None
        self._fault = ""
        self._machine = machine
        self._host = host

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
        known = facts.asked_of(self._machine)
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
        return self.coordinator.faulted or (f"the result of {unclear} is unknown" if unclear else "")

    def asked_now(self) -> tuple[AskedCommand, ...]:
        """What the test that is being told of has asked."""
        return self.coordinator.asked_now() if self.coordinator is not None else ()


def result_of(role: str, nodeid: str, reports: Sequence[pytest.TestReport], seconds: float) -> TestResult:
    """One result from the reports of a test's phases and subtests.

    One that failed decides, whatever the others say: a test that was skipped may fail while it is taken down.
    """
    properties = tuple((str(name), str(value)) for name, value in (reports[-1].user_properties if reports else ()))
    result = partial(TestResult, role, nodeid, seconds=seconds, properties=properties)
    if not reports:
        return result(TestOutcome.ERROR, message="the test did not run")
    if failed := [one for one in reports if one.failed]:
        return result(
            TestOutcome.FAILED if failed[0].when == "call" else TestOutcome.ERROR,
            message="\n".join(_message(one) for one in failed),
            details=end("\n".join(one.longreprtext for one in failed), _DETAILS),
            output=end(_captured(failed[-1]), _DETAILS),
        )
    if skipped := [one for one in reports if one.skipped]:
        expected = hasattr(skipped[0], "wasxfail")
        return result(TestOutcome.XFAILED if expected else TestOutcome.SKIPPED, message=_message(skipped[0]))
    called = next((one for one in reports if one.when == "call"), None)
    if called is None:
        return result(TestOutcome.ERROR, message="the test did not run")
    return result(TestOutcome.XPASSED if hasattr(called, "wasxfail") else TestOutcome.PASSED)


def _captured(report: pytest.TestReport) -> str:
    return "\n".join(f"--- {name} ---\n{content}" for name, content in report.sections)


#: What Testinfra puts before the result of a command that ended with another code than its `check_output` wants.
_NOISE = re.compile(r"\A(?:AssertionError: )?Unexpected exit code -?\d+ for (?=.* exited -?\d+)", re.DOTALL)


def _message(report: pytest.TestReport) -> str:
    """What went wrong in a few lines: the assertion with pytest's explanation, or the reason of a skip."""
    told = report.longrepr
    if isinstance(told, tuple):
        return str(told[2])
    crash = getattr(told, "reprcrash", None)
    said = str(getattr(report, "wasxfail", "") or (crash.message if crash else report.longreprtext))
    return _NOISE.sub("", said)
