"""What a Dask worker runs: each errand in a process of its own, whose events go to where `ami` was started.

Errands need signals, a folder and an environment of their own, and a worker is a process with threads.
"""

from __future__ import annotations

import asyncio
import base64
import json
import pickle
import signal
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from orchestrator.run.remote.errand import LENGTH, ErrandResult
from orchestrator.run.remote.fork_server import ForkServer
from orchestrator.run.remote.program import this_program

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.run.remote.errand import Errand
    from orchestrator.run.remote.fork_server import ErrandProcess

#: Seconds for which one question to the scheduler waits for a request to stop. It is asked again, so that a lost
#: connection is noticed.
_LISTEN = 20
#: Seconds between two signals, and before another question when one could not be answered; how many in a row may be
#: like that.
_PAUSE, _UNANSWERED = 0.5, 20
#: Characters of what a process said that ended without an answer.
_SAID = 2000
#: Runs for which this worker has looked whether it has all that they need.
_FIT: set[str] = set()
_STOPPED = ErrandResult(stopped=True)
_FORKS = ForkServer()


@dataclass(frozen=True)
class WorkerRequest:
    """An errand with what a worker needs to know besides it.

    `check` is the errand by which a worker looks whether it can do the others. `topic` is where events go. The names of
    `stop` and `urgent` are those of Dask's events by which the errand is interrupted.
    """

    program: str
    check: Errand
    topic: str
    errand: Errand | None = None
    stop: str = ""
    urgent: str = ""


async def examined(program: str, asked: bytes) -> tuple[str, ...]:
    """What this worker lacks for a run; it is another program, or its check says so."""
    return other_program(program) or await asyncio.to_thread(_examined, pickle.loads(asked))  # noqa: S301 - from a client of the scheduler


def other_program(program: str) -> tuple[str, ...]:
    """What a person is told of a worker that has another `ami`. Empty for the same, which gets ready for errands."""
    here = this_program()
    if here != program:
        return (f"it has {here}, and the run {program}",)
    _FORKS.warm()
    return ()


def _examined(asked: WorkerRequest) -> tuple[str, ...]:
    answer = _done(asked.check, lambda _line: None, [])
    problems = answer.problems or ((answer.bug,) if answer.bug else ())
    if not problems:
        _FIT.add(asked.check.run)
    return problems


def perform(program: str, content: bytes) -> ErrandResult:
    """Do an errand, from a thread of the worker. The answer says so when this worker is not fit for it."""
    from distributed import Event, get_client, get_worker  # noqa: PLC0415 - other commands do without Dask

    worker = get_worker()
    if problems := other_program(program):
        return ErrandResult(unfit=(worker.address, problems[0]))
    asked: WorkerRequest = pickle.loads(content)  # noqa: S301 - from a client of the scheduler
    if asked.errand is None:
        raise AssertionError("an errand is asked for")
    if asked.check.run not in _FIT and (problems := _examined(asked)):
        return ErrandResult(unfit=(worker.address, "; ".join(problems)))
    client = get_client()
    stops: list[Any] = [Event(name, client=client) for name in (asked.stop, asked.urgent)]  # type: ignore[no-untyped-call]
    name = asked.errand.name

    def tell(line: dict[str, Any]) -> None:
        worker.log_event(asked.topic, {**line, "task": name})

    if _is_set(stops[0]):
        return _STOPPED
    tell({"begun": worker.address})
    return _done(asked.errand, tell, stops)


def _is_set(stop: Any) -> bool:
    """Whether there is a request to stop; none when the scheduler cannot say so now."""
    with suppress(Exception):
        return bool(stop.is_set())
    return False


class _Interrupter(threading.Thread):
    """Interrupts the process of an errand once for each of Dask's events, which are set one after the other. A
    scheduler that does not answer for long is gone, and with it whoever waits for the errand.
    """

    def __init__(self, stops: list[Any], process: ErrandProcess) -> None:
        super().__init__(daemon=True)
        self._stops = stops
        self._process = process
        self._ended = threading.Event()
        self.sent = 0

    def run(self) -> None:
        for stop in self._stops:
            if not self._comes(stop):
                return
            self.sent += 1
            self._process.send_signal(signal.SIGINT)
            self._ended.wait(_PAUSE)  # two signals at once would be one

    def end(self) -> None:
        """The errand has ended: interrupt nothing any more."""
        self._ended.set()

    def _comes(self, stop: Any) -> bool:
        """Wait for an event. False when the errand ends before, and, once interrupted, when the scheduler is gone."""
        unanswered = 0
        while not self._ended.is_set():
            try:
                if stop.wait(timeout=_LISTEN):
                    return not self._ended.is_set()
                unanswered = 0
            except Exception:  # noqa: BLE001 - it is gone, or busy, in whatever way Dask says so
                unanswered += 1
                if unanswered >= _UNANSWERED:
                    return self.sent == 0
                self._ended.wait(_PAUSE)
        return False


def _done(errand: Errand, tell: Callable[[dict[str, Any]], None], stops: list[Any]) -> ErrandResult:
    """The answer to an errand, which a process of its own does."""
    content = pickle.dumps(errand)
    with tempfile.TemporaryFile() as errors, _FORKS.started(errors) as process:
        process.stdin.write(LENGTH.pack(len(content)) + content)
        process.stdin.flush()
        reader, interrupter = _LineReader(process.stdout, tell), _Interrupter(stops, process)
        for each in (reader, interrupter):
            each.start()
        reader.join()
        interrupter.end()
        code = process.wait()
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace")[-_SAID:].strip()
    if reader.answer is None and interrupter.sent:
        return _STOPPED
    return reader.answer or ErrandResult(bug=f"the process of '{errand.name}' ended with code {code}: {said}")


class _LineReader(threading.Thread):
    """Reads the lines of an errand's process; the last one has the answer."""

    def __init__(self, lines: IO[bytes], tell: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(daemon=True)
        self._lines = lines
        self._tell = tell
        self.answer: ErrandResult | None = None

    def run(self) -> None:
        for line in self._lines:
            value = json.loads(line)
            if "answer" in value:
                self.answer = pickle.loads(base64.b64decode(value["answer"]))  # noqa: S301 - from our own child
                return
            self._tell(value)
