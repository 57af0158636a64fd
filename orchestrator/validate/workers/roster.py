"""Which processes of a session have called, what they say, and which have ended."""

from __future__ import annotations

import os
import selectors
import socket
import tempfile
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.files.held_folder import held_folder
from orchestrator.validate.workers.permits import ROOT
from orchestrator.validate.workers.worker import Worker, kill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import HasFileno

#: Bytes: a socket's path may have 103 where it may have least, and `/ami-held-xxxxxxxx/line` is a part of it.
_LONGEST_FOLDER = 80


class FollowsWorkers(Protocol):
    """Who is told of the workers."""

    def on_arrival(self, place: int) -> None:
        """A worker has called for the first time; `place` is that of its first test, or ROOT."""

    def on_message(self, worker: Worker, message: tuple[Any, ...]) -> None:
        """A worker has said something; see ipc.py. Its first message, who it is, is not told."""

    def on_end(self, worker: Worker) -> None:
        """A worker is there no more."""


class Roster:
    """The processes that have called, and the root of their tree."""

    def __init__(self, follower: FollowsWorkers) -> None:
        self.workers: list[Worker] = []
        self._follower = follower
        self._selector = selectors.DefaultSelector()
        self._root = 0
        self._root_has_ended = False

    @contextmanager
    def listening(self, backlog: int) -> Iterator[str]:
        """Take calls while the block lasts; up to `backlog` of them may wait. The address at which to call."""
        with (
            held_folder(_near()) as folder,
            socket.socket(socket.AF_UNIX) as listener,
        ):
            address = f"{folder}/line"
            listener.bind(address)
            listener.listen(backlog)
            listener.setblocking(False)
            self._listener = listener
            self.watch(listener, self._accept)
            yield address
            self._selector.close()

    def close_in_child(self) -> None:
        """Listen no more in a forked process: whoever calls when nobody listens any more must not wait."""
        self._listener.close()

    def watch(self, source: HasFileno, act: Callable[[], object]) -> None:
        """Let `wait` call a function whenever a source can be read."""
        self._selector.register(source, selectors.EVENT_READ, act)

    def wait(self, seconds: float) -> None:
        """Wait for something to come, and take it."""
        for key, _ in self._selector.select(seconds):
            key.data()

    def follow_root(self, pid: int) -> None:
        """The root of the tree is a process of this one."""
        self._root = pid

    def is_over(self) -> bool:
        """Whether the root has ended; then all is read that the processes had said by then.

        Its connection tells nothing of that: what a fixture has forked may hold it open.
        """
        pid, _ = os.waitpid(self._root, os.WNOHANG)
        if pid:
            self._root_has_ended = True
            self.greet()
            for worker in list(self.workers):
                self._read(worker)
            for worker in [one for one in self.workers if one.kind == "root"]:
                self._hang_up(worker)
        return self._root_has_ended

    def greet(self) -> None:
        """Take all calls, and read all that came with them."""
        while self._accept():
            pass
        for worker in [one for one in self.workers if not one.kind]:
            self._read(worker)

    def bury(self, parent: Worker, place: int) -> tuple[int, ...]:
        """A child of `parent` has ended, whose first test has that place. The places of all its tests.

        What ran these tests has ended with it.
        """
        places = parent.children.pop(place, (place,))
        kinds = ("test",) if len(places) == 1 else ("test", "branch")
        for worker in [one for one in self.workers if one.kind in kinds and one.index in places and one is not parent]:
            self._bury(worker)
        return places

    def kill_all(self) -> None:
        """End every process that is left."""
        for worker in self.workers:
            worker.kill()
        if not self._root_has_ended:
            kill(self._root)
            os.waitpid(self._root, 0)

    def _accept(self) -> bool:
        """Take a call, if there is one."""
        try:
            made, _ = self._listener.accept()
        except BlockingIOError:
            return False
        made.setblocking(True)
        worker = Worker(Connection(made.detach()))
        self.workers.append(worker)
        self.watch(worker.connection, lambda: self._hear(worker))
        return True

    def _hear(self, worker: Worker) -> None:
        """Something has come from a worker, or had when it was looked at."""
        if worker in self.workers and worker.connection.poll():
            self._receive(worker)

    def _receive(self, worker: Worker) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, ConnectionError):
            worker.is_over = True
            self.greet()  # it may have called once more
            self._hang_up(worker)
            return
        self._take(worker, message)

    def _read(self, worker: Worker) -> None:
        """All that has come from a worker by now."""
        while worker in self.workers and not worker.is_over and worker.connection.poll():
            self._receive(worker)

    def _take(self, worker: Worker, message: tuple[Any, ...]) -> None:
        if worker.kind:
            self._follower.on_message(worker, message)
        else:
            self._introduce(worker, *message)

    def _introduce(self, worker: Worker, kind: str, index: int, pid: int) -> None:
        """Take the first message: who calls."""
        worker.kind, worker.index, worker.pid = kind, index, pid
        if kind == "guest":
            return
        before = next((one for one in self.workers if one is not worker and one.named == worker.named), None)
        if before is not None:
            self._take_over(worker, before)
        else:
            self._follower.on_arrival(ROOT if kind == "root" else index)

    def _take_over(self, worker: Worker, before: Worker) -> None:
        """A process calls once more. What it has said before counts, and the end of that connection means nothing."""
        before.is_over = True
        with suppress(EOFError, ConnectionError):
            while before.connection.poll():
                self._take(before, before.connection.recv())
        worker.take_over(before)
        self._hang_up(before)

    def _bury(self, worker: Worker) -> None:
        """A process has ended, or what it stands on. What it has forked may hold its connection: that means nothing."""
        self._read(worker)
        if worker in self.workers:
            if not worker.is_done:
                worker.kill()
            self._hang_up(worker)

    def _hang_up(self, worker: Worker) -> None:
        """A process has ended."""
        if worker not in self.workers:
            return
        self._selector.unregister(worker.connection)
        worker.connection.close()
        self.workers.remove(worker)
        self._follower.on_end(worker)


def _near() -> Path:
    """Where the socket is made: among other temporary files, if its path is not too long there (unix(7))."""
    usual = tempfile.gettempdir()
    return Path(usual if len(os.fsencode(usual)) <= _LONGEST_FOLDER else "/tmp")  # noqa: S108 - a folder of its own in it
