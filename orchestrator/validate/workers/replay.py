"""Tells pytest what came of the tests, in the order in which they were collected, as if they had just run here.

A test's teardown may have run in two processes, its own and one above it, which takes down what it shared. Where
both parts fail, pytest is told of two teardowns, and makes no group of their exceptions.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Literal

import pytest

from orchestrator.validate.workers.surroundings import enter
from orchestrator.validate.workers.test_process import merged, packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.validate.workers.ipc import Heard, TestRecord


class Replay:
    """The results of one session. `place` is that of the next test to be told."""

    def __init__(self, session: pytest.Session) -> None:
        self.place = 0
        self._session = session
        self._results: dict[int, TestRecord] = {}
        self._gone: set[int] = set()
        self._deaths: dict[int, int] = {}
        self._held: dict[int, int] = {}
        self._late: dict[int, list[Heard]] = {}

    def hold(self, index: int) -> None:
        """More will come of a test, and it is not told before."""
        self._held[index] = self._held.get(index, 0) + 1

    def release(self, index: int) -> None:
        """What was to come has come, or will not."""
        self._held[index] -= 1

    def late(self, index: int, heard: tuple[Heard, ...]) -> None:
        """What came of taking down what a test shared with others."""
        self._late.setdefault(index, []).extend(heard)
        self.release(index)

    def cut_off(self, index: int) -> None:
        """What was to come will not: the process has ended that took down what a test shared with others."""
        item = self._session.items[index]
        told = _failure(item, "the process ended that was taking down what the test shares", "teardown")
        self.late(index, (("report", packed(told, item.config)),))

    def finished(self, index: int, record: TestRecord) -> None:
        """A test has ended."""
        self._results.setdefault(index, record)

    def gone(self, index: int) -> None:
        """A test's process is there no more."""
        self._gone.add(index)

    def died(self, index: int, status: int) -> None:
        """A process has ended, and this is its status."""
        self._deaths.setdefault(index, status)

    def go_on(self) -> None:
        """Tell all that can be told in order. Raises what ends the session, as pytest's own loop does."""
        while self.place < len(self._session.items) and self._is_ready(self.place):
            self._tell_next()

    def rest(self) -> None:
        """Tell of all tests, also of those of which more should have come. Raises as `go_on` does."""
        for index in [index for index, count in self._held.items() for _ in range(count)]:
            self.cut_off(index)
        while self.place < len(self._session.items):
            self._tell_next()

    def _is_ready(self, place: int) -> bool:
        ended = place in self._results or (place in self._gone and place in self._deaths)
        return ended and not self._held.get(place)

    def _tell_next(self) -> None:
        place, item = self.place, self._session.items[self.place]
        record = self._results.pop(place, None)
        enter(item.config, item.path)
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        if record is None:
            item.ihook.pytest_runtest_logreport(report=_lost(item, self._deaths.get(place)))
        else:
            self._tell(item, record.heard, self._late.pop(place, []))
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        self.place += 1
        self._end_if_due(record)

    def _tell(self, item: pytest.Item, heard: tuple[Heard, ...], late: list[Heard]) -> None:
        """Tell what was heard in its order; what came late is a part of the teardown, which is the last report.

        pytest tells of all warnings of a test after its last report.
        """
        ends = max((place for place, (kind, _) in enumerate(heard) if kind == "report"), default=len(heard))
        for one in heard[:ends]:
            _tell(item, [one])
        _tell(item, [*heard[ends : ends + 1], *(one for one in late if one[0] != "warning")])
        _tell(item, [*heard[ends + 1 :], *(one for one in late if one[0] == "warning")])

    def _end_if_due(self, record: TestRecord | None) -> None:
        ending = record.ending if record is not None else None
        if ending is not None and ending.exited:
            raise pytest.exit.Exception(ending.exit_reason, ending.exit_code)
        if ending is not None and ending.interrupted:
            raise KeyboardInterrupt
        if ending is not None and ending.stop:
            self._session.shouldstop = ending.stop
        if self._session.shouldfail:
            raise self._session.Failed(self._session.shouldfail)
        if self._session.shouldstop:
            raise self._session.Interrupted(self._session.shouldstop)


def _tell(item: pytest.Item, heard: Sequence[Heard]) -> None:
    """Tell what was heard; reports in one, if they can be made one."""
    reports: list[pytest.TestReport] = []
    for kind, what in heard:
        if kind == "report":
            _add(reports, _read(what, item))
        elif kind == "said":
            sys.stdout.write(what)
            sys.stdout.flush()
        else:
            _warn(item, *what)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)


def _read(packed_report: object, item: pytest.Item) -> pytest.TestReport:
    """A report; one that cannot be read here (it holds a value of a class that only its process knew) is a failure."""
    try:
        return unpacked(packed_report, item.config)
    except Exception as error:  # noqa: BLE001 - whatever a plugin has put into it
        return _failure(item, f"the report of the test cannot be read: {type(error).__name__}: {error}", "setup")


def _warn(item: pytest.Item, message: object, when: str, nodeid: str, location: object) -> None:
    item.config.hook.pytest_warning_recorded.call_historic(
        kwargs={"warning_message": message, "when": when, "nodeid": nodeid, "location": location}
    )


def _add(reports: list[pytest.TestReport], late: pytest.TestReport) -> None:
    """Make what came late a part of the test's teardown; two that did not pass stay two reports."""
    last = reports[-1] if reports else None
    if last is None or last.when != "teardown" or not (last.passed or late.passed):
        reports.append(late)
        return
    sections = merged([*last.sections, *late.sections])
    duration = last.duration + late.duration
    if not late.passed:
        late.user_properties = last.user_properties
        reports[-1] = last = late
    last.sections[:] = sections
    last.duration = duration


def _lost(item: pytest.Item, status: int | None) -> pytest.TestReport:
    """The report of a test whose process ended before the test had."""
    how = "ended before the test had"
    if status is not None:
        code = os.waitstatus_to_exitcode(status)
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended by itself with exit code {code}"
    return _failure(item, f"the process of the test {how}", "setup")


def _failure(item: pytest.Item, text: str, when: Literal["setup", "teardown"]) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords=dict.fromkeys(item.keywords, 1),
        outcome="failed",
        longrepr=text,
        when=when,
    )
