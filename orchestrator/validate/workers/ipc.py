"""The connection between a process that runs tests and the coordinator: what is said on it, and its near end.

Every process has a connection of its own: a forked one calls anew, and so does one that a test forks, of which nothing
counts but its questions. A connection on which an answer was not read to its end (the handler of a signal has raised an
exception) is never read again: the process calls once more by the same name. Messages are tuples whose first word says
what they are:

    (kind, index, pid)               the first one: a "test", "branch" or "guest" of a test, or the "root"
    ("about", index)                 what is asked from now on is asked for that test
    ("ask", command, seconds, reads) a question to the machine; answered by a Reply, a Fault or STOP
    ("fork", index)                  may a test have a process? answered by GO or STOP
    ("branch", indexes)              may tests that share something have a process? GO, NO (do it yourself) or STOP
    ("held", index)                  something that a test shares is taken down after it: more will come of it
    ("late", index, heard)           that
    ("idle",), ("busy",)             waits for its children, and does so no longer
    ("finished", TestRecord)         all that came of a test; with its index when another process tells it
    ("died", index, status)          a child has ended; `status` as os.waitpid gives it
    ("broken", text)                 an error of this program's own
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from enum import Enum, auto
from multiprocessing.connection import Client
from typing import TYPE_CHECKING, Any

from orchestrator.validate.batch.question import Question, Reply
from orchestrator.validate.errors import ConnectionFault

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from orchestrator.validate.batch.question import Answer


class Word(Enum):
    """What the coordinator answers besides replies."""

    GO = auto()
    NO = auto()
    STOP = auto()


@dataclass(frozen=True)
class Fault:
    """The machine cannot be asked any more."""

    text: str


@dataclass(frozen=True)
class Ending:
    """How a test's process ended its session, if it did: the reason of an exit, an interruption or a stop."""

    exit_reason: str = ""
    exit_code: int | None = None
    exited: bool = False
    interrupted: bool = False
    stop: str = ""


#: "report", "warning" or "said", and it in a form that travels; see test_process.py.
Heard = tuple[str, Any]


@dataclass(frozen=True)
class TestRecord:
    """All that came of a test in its order, and how it ended."""

    __test__ = False  # pytest should not collect it

    heard: tuple[Heard, ...]
    ending: Ending


class Stopped(BaseException):
    """The session ends before its tests have; whatever runs is to clean up and end."""


class CoordinatorLink:
    """This process's connection. `kind` is "test", "branch" or "root", `index` the place of its (first) test."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._hello: tuple[str, int] = ("root", -1)
        self._lock = threading.Lock()
        self._pid = -1
        self._connection: Connection[Any, Any] | None = None
        #: Something was begun on the connection and has not come to its end.
        self._is_torn = False

    def call_as(self, kind: str, index: int) -> None:
        """Open this process's own connection."""
        self._hello = (kind, index)
        self._lock = threading.Lock()
        self._open()

    def send(self, *message: Any) -> None:
        """Say something to which there is no answer."""
        with self._lock:
            connection = self._mine()
            self._is_torn = True
            connection.send(message)
            self._is_torn = False

    def call(self, *message: Any) -> Any:
        """Say something and wait for the answer. Raises Stopped."""
        with self._lock:
            connection = self._mine()
            self._is_torn = True
            connection.send(message)
            answer = connection.recv()
            self._is_torn = False
        if answer is Word.STOP:
            raise Stopped
        return answer

    def ask(self, command: bytes, seconds: float, *, reads: bool) -> Answer:
        """Ask the machine. Raises CommandTimedOut, OutputTooLarge, CommandUnclear, ConnectionFault and Stopped."""
        __tracebackhide__ = True  # a failure is shown where a test asked
        answer = self.call("ask", command, seconds, reads)
        if isinstance(answer, Fault):
            raise ConnectionFault(answer.text)
        reply: Reply = answer
        return reply.of(Question(reply.number, command, seconds))

    def _mine(self) -> Connection[Any, Any]:
        """The open connection; a test may have forked, and two processes cannot share one."""
        if self._pid != os.getpid() or self._connection is None:
            self._hello = ("guest", self._hello[1])
            return self._open()
        if self._is_torn:
            torn, self._connection = self._connection, None
            try:
                return self._open()
            finally:
                torn.close()  # not before the coordinator can hear of the new one: it would mean the process's end
        return self._connection

    def _open(self) -> Connection[Any, Any]:
        if self._connection is not None:
            self._connection.close()
        self._connection = Client(self._address, family="AF_UNIX")
        self._pid = os.getpid()
        self._connection.send((*self._hello, self._pid))
        self._is_torn = False
        return self._connection
