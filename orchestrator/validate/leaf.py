"""What a forked process does that runs one test: pytest's whole protocol, with its words and reports sent home."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import pytest

from orchestrator.validate.line import Ending, Outgrowth, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.validate.line import Line


class Recorder:
    """The plugin that keeps what pytest says of a test while it runs; inert until `heard` is a list."""

    NAME = "ami-recorder"

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a report as plain data."""
        if self.heard is not None:
            report.sections[:] = merged(report.sections)
            config = self._config
            self.heard.append(("report", config.hook.pytest_report_to_serializable(config=config, report=report)))

    def pytest_configure(self, config: pytest.Config) -> None:
        """Keep the configuration at hand."""
        self._config = config

    def pytest_warning_recorded(self, warning_message: Any, when: str, nodeid: str, location: Any) -> None:
        """Keep a warning; the message as text where it cannot travel."""
        if self.heard is not None:
            self.heard.append(("warning", (warning_message, when, nodeid, location)))


def run_test(item: pytest.Item, line: Line) -> None:
    """Run a test in this process, of which it is the last deed, and send what came of it."""
    config = item.config
    recorder: Recorder = config.pluginmanager.get_plugin(Recorder.NAME)  # type: ignore[assignment]
    recorder.heard = []
    config.option.maxfail = 0  # the coordinator counts
    with own_streams(config) as said:
        ending = _ended(item)
        line.send("finished", Outgrowth(tuple(recorder.heard), said.text(), ending))


def _ended(item: pytest.Item) -> Ending:
    try:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    except (pytest.exit.Exception, KeyboardInterrupt, Stopped) as error:
        return ending_of(error)
    return Ending(stop=str(item.session.shouldstop or item.session.shouldfail or ""))


def ending_of(error: BaseException) -> Ending:
    """What an error that ends a session means."""
    if isinstance(error, pytest.exit.Exception):
        return Ending(exited=True, exit_reason=str(error.msg), exit_code=error.returncode)
    return Ending(interrupted=isinstance(error, KeyboardInterrupt))


def forget_finalizers(session: pytest.Session) -> None:
    """What was made before this process was forked is taken down where it was made."""
    for finalizers, _ in session._setupstate.stack.values():
        finalizers.clear()


def merged(sections: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Sections of the same name joined: parts of a phase may have run in several processes."""
    joined: dict[str, str] = {}
    for name, content in sections:
        joined[name] = joined.get(name, "") + content
    return list(joined.items())


class Said:
    """What a process wrote to its own streams outside of pytest's capture."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def text(self) -> str:
        """All of it until now."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._file.seek(0)
        return self._file.read().decode("utf-8", "replace")


@contextmanager
def own_streams(config: pytest.Config) -> Iterator[Said]:
    """Streams and a capture of this process's own, and a terminal reporter that is silent here."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    with tempfile.TemporaryFile(buffering=0) as file, open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device
        if reporter is not None:
            reporter._tw._file = nowhere
        if capture is not None:
            capture.stop_global_capturing()
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        if capture is not None:
            capture.start_global_capturing()
            capture.suspend_global_capture(in_=False)
        yield Said(file)
