"""What a forked process does that runs one test: pytest's whole protocol, with its words and reports sent home."""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
import warnings
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import pytest

from orchestrator.validate.workers.ipc import Ending, Heard, Stopped, TestRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.validate.workers.ipc import CoordinatorLink


class Recorder:
    """The plugin that keeps what pytest says of tests while they run here; inert unless something is recorded."""

    NAME = "ami-recorder"

    def __init__(self) -> None:
        self.streams: Streams | None = None
        self._heard: list[Heard] | None = None
        self._before: dict[pytest.Item, list[Heard]] = {}

    @contextmanager
    def recording(self, item: pytest.Item) -> Iterator[list[Heard]]:
        """What is said from now on, after what was said of the item before in this process or those above it."""
        self._heard = self._before.setdefault(item, [])
        try:
            yield self._heard
        finally:
            self._hear_streams()
            self._heard = None

    def _hear_streams(self) -> None:
        """Keep what was written past pytest's capture, which comes before what is kept next."""
        said = self.streams.fresh() if self.streams is not None else ""
        if said and self._heard is not None:
            self._heard.append(("said", said))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a report, as others have made it: one that tells of subtests fails it when it is shown."""
        if self._heard is not None:
            self._hear_streams()
            self._heard.append(("report", packed(report, self._config)))

    def pytest_configure(self, config: pytest.Config) -> None:
        """Keep the configuration at hand."""
        self._config = config

    def pytest_warning_recorded(self, warning_message: Any, when: str, nodeid: str, location: Any) -> None:
        """Keep a warning in a form that can travel."""
        if self._heard is not None:
            self._heard.append(("warning", (_portable(warning_message), when, nodeid, location)))


def packed(report: pytest.TestReport, config: pytest.Config) -> object:
    """A report as it can travel: pickled, or where it holds what cannot be pickled, as pytest serialises it."""
    report.sections[:] = merged(report.sections)
    try:
        return pickle.dumps(report)
    except Exception:  # noqa: BLE001 - whatever a plugin has put into it
        return config.hook.pytest_report_to_serializable(config=config, report=report)


def unpacked(data: Any, config: pytest.Config) -> pytest.TestReport:
    """The report that `packed` made."""
    report: pytest.TestReport = (
        pickle.loads(data)  # noqa: S301 - from a process of our own
        if isinstance(data, bytes)
        else config.hook.pytest_report_from_serializable(config=config, data=data)
    )
    return report


def _portable(message: Any) -> Any:
    """A warning that can be pickled; where its own class cannot, one with the same text."""
    try:
        pickle.dumps(message)
    except Exception:  # noqa: BLE001 - as above
        told = f"{message.category.__name__}: {message.message}"
        return warnings.WarningMessage(UserWarning(told), UserWarning, message.filename, message.lineno)
    return message


def recorder_of(config: pytest.Config) -> Recorder:
    """The plugin that records in this session."""
    recorder: Recorder = config.pluginmanager.get_plugin(Recorder.NAME)  # type: ignore[assignment]
    return recorder


def run_test(item: pytest.Item, link: CoordinatorLink) -> None:
    """Run a test in this process, of which it is the last deed, and send what came of it."""
    item.config.option.maxfail = 0  # the coordinator counts
    with own_streams(item.config):
        with recorder_of(item.config).recording(item) as heard:
            ending = _ended(item)
        link.send("finished", TestRecord(tuple(heard), ending))


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


class Streams:
    """What a process writes to its own streams outside of pytest's capture."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._read = 0

    def fresh(self) -> str:
        """What has been written since the last time."""
        sys.stdout.flush()
        sys.stderr.flush()
        written = os.pread(self._file.fileno(), 1 << 24, self._read)
        self._read += len(written)
        return written.decode("utf-8", "replace")


@contextmanager
def own_streams(config: pytest.Config) -> Iterator[None]:
    """Streams and a capture of this process's own, and a terminal reporter that is silent here."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    with tempfile.TemporaryFile(buffering=0) as file, open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device
        if reporter is not None:
            reporter._tw._file = nowhere
        if capture is not None:
            _let_go_of(capture)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        if capture is not None:
            capture.start_global_capturing()
            capture.suspend_global_capture(in_=False)
        recorder_of(config).streams = Streams(file)
        yield


def _let_go_of(capture: Any) -> None:
    """End the capture of the process that forked this one, but leave its files: it may be writing there."""
    capture._global_capturing.stop_capturing()
    capture._global_capturing = None
