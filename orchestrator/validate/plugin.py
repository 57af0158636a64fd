"""The pytest plugin of a validation: the fixtures `host` and `image`, and a record of every test as it ends.

`tell` gets one object per event:
    {"event": "collected", "roles": {role: number of tests}}
    {"event": "problem", "text": ...}           a file that could not be collected
    {"event": "begin", "role": ..., "nodeid": ...}
    {"event": "test", ...}                      the fields of verdict.TestResult
    {"event": "fault", "text": ...}             the machine cannot be asked any more; the session stops
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pytest
import testinfra.host

from orchestrator.validate.backend import SsmBackend
from orchestrator.validate.verdict import Outcome, TestResult

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from orchestrator.validate.connection import Connection
    from orchestrator.validate.request import SuiteRequest

#: What the report keeps of one failure, in characters.
_DETAILS = 20_000


@dataclass(frozen=True)
class Image:
    """What tests may ask of `image`. `vars` are those with which the role under test was applied."""

    name: str
    version: str
    ami_id: str
    layers: tuple[str, ...]
    roles: tuple[str, ...]
    role: str
    vars: Mapping[str, Any]


class SuitePlugin:
    """One session on one machine."""

    def __init__(self, request: SuiteRequest, connection: Connection, tell: Callable[[dict[str, Any]], None]) -> None:
        self._request = request
        self._connection = connection
        self._tell = tell
        self._reports: list[pytest.TestReport] = []

    @pytest.fixture(scope="session")
    def host(self) -> testinfra.host.Host:
        """The machine under test, as Testinfra knows it."""
        return testinfra.host.get_host(f"{SsmBackend.NAME}://{self._request.instance_id}", asker=self._connection)

    @pytest.fixture(scope="module")
    def image(self, request: pytest.FixtureRequest) -> Image:
        """The image under test."""
        facts, role = self._request.image, _role(request.node.nodeid)
        return Image(
            name=facts.name,
            version=facts.version,
            ami_id=self._request.ami_id,
            layers=facts.layers,
            roles=facts.roles,
            role=role,
            vars=facts.vars.get(role, {}),
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tell of a file that could not be collected."""
        if report.failed:
            self._tell({"event": "problem", "text": f"{report.nodeid}: {report.longreprtext.strip()}"})

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell how many tests each role brings."""
        self._tell({"event": "collected", "roles": Counter(_role(item.nodeid) for item in session.items)})

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Gather what a test did, and tell when it has ended."""
        self._reports = []
        before, began = len(self._connection.asked), time.monotonic()
        self._tell({"event": "begin", "role": _role(item.nodeid), "nodeid": item.nodeid})
        try:
            return (yield)
        finally:
            self._ended(item, before, time.monotonic() - began)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the reports of a test's phases until it has ended."""
        self._reports.append(report)

    def _ended(self, item: pytest.Item, before: int, seconds: float) -> None:
        result = result_of(_role(item.nodeid), item.nodeid, self._reports, seconds)
        if result.failed:
            result = TestResult(**{**vars(result), "asked": tuple(self._connection.asked[before:])})
        self._tell({"event": "test", **asdict(result)})
        # A test may catch whatever it likes; what the connection knows counts.
        if self._connection.fault is not None:
            self._tell({"event": "fault", "text": self._connection.fault.message})
            item.session.shouldstop = "the machine cannot be asked any more"


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


def _role(nodeid: str) -> str:
    """The role of `roles/nginx/test_nginx.py::test_it`."""
    return nodeid.split("/")[1]
