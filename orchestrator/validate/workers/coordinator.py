"""Runs a session's tests in a tree of processes: answers their questions in rounds, and tells their reports in order.

It takes the place of pytest's own loop over the tests, and is the only process that pytest's reporting plugins see.
"""

from __future__ import annotations

import gc
import os
import selectors
import socket
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from _pytest.scope import Scope

from orchestrator.validate.batch.question import Ended
from orchestrator.validate.batch.rounds import PendingQuestion, Rounds
from orchestrator.validate.excerpts import Excerpts
from orchestrator.validate.workers import facts
from orchestrator.validate.workers.fixture_process import FixtureProcess, living
from orchestrator.validate.workers.ipc import CoordinatorLink, Fault, TestRecord, Word
from orchestrator.validate.workers.process_limit import most_tests
from orchestrator.validate.workers.replay import Replay
from orchestrator.validate.workers.test_process import own_streams
from orchestrator.validate.workers.worker import Worker, kill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pytest

    from orchestrator.validate.batch.question import Reply
    from orchestrator.validate.verdict import AskedCommand as Ran
    from orchestrator.validate.workers.asker import MachineUnderTest, PassesQuestions
    from orchestrator.validate.workers.ipc import Heard

#: How many branches have a process at once, besides the tests.
BRANCHES = 64
#: Seconds that processes have to clean up when a session is stopped.
_GRACE = 5.0
#: Bytes: a socket's path may have 103 where it may have least, and `/ami-line-xxxxxxxx/line` is a part of it.
_LONGEST_FOLDER = 80
#: Seconds between two looks whether the tree's root lives.
_GLANCE = 0.5


class Coordinator:
    """One session.

    `known` are replies to commands that are facts. They serve until a test has said a command of its own, which may
    have changed the machine, and never a test that runs alone. `faulted` is why the machine cannot be asked any more,
    `unclear` names commands of which nothing is known.
    """

    def __init__(
        self, session: pytest.Session, machine: MachineUnderTest, backend: PassesQuestions, known: Mapping[bytes, Reply]
    ) -> None:
        self.faulted = ""
        self.unclear: list[str] = []
        self._kept = Excerpts()
        self._session = session
        self._machine = machine
        self._backend = backend
        self._known = known
        self._rounds: Rounds[Worker] = Rounds(len(facts.COMMANDS))
        self._alone = {place for place, item in enumerate(session.items) if item.get_closest_marker("alone")}
        self._replay = Replay(session)
        self._selector = selectors.DefaultSelector()
        self._room = most_tests()
        self._peers: list[Worker] = []
        self._coming = 0
        self._granted: Counter[int] = Counter()
        self._stopping = False
        self._root = 0
        self._is_felled = False

    def run(self) -> None:
        """Run all tests. Raises what ends a session early, as pytest's own loop does."""
        with self._listening() as line:
            self._root = self._planted(line)
            try:
                self._follow()
            finally:
                self._end()
        self._replay.rest()

    def asked_now(self) -> tuple[Ran, ...]:
        """What the test that is being told of has asked, and what came back."""
        return self._kept.of(self._replay.place)

    @contextmanager
    def _listening(self) -> Iterator[CoordinatorLink]:
        with (
            tempfile.TemporaryDirectory(prefix="ami-line-", dir=_near()) as folder,
            socket.socket(socket.AF_UNIX) as listener,
        ):
            address = f"{folder}/line"
            listener.bind(address)
            listener.listen(2 * self._room)
            listener.setblocking(False)
            self._listener = listener
            self._selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener))
            self._selector.register(self._machine, selectors.EVENT_READ, self._heard)
            line = CoordinatorLink(address)
            self._backend.asker = line
            yield line
            self._selector.close()

    def _planted(self, line: CoordinatorLink) -> int:
        """Fork the root of the tree. Its process id."""
        items = self._session.items
        alone = [item for place, item in enumerate(items) if place in self._alone]
        together = [item for place, item in enumerate(items) if place not in self._alone]
        trunk = FixtureProcess(self._session, line, {item: place for place, item in enumerate(items)})

        def become() -> None:
            self._listener.close()  # whoever calls when nobody listens any more must not wait
            line.call_as("root", -1)
            with own_streams(self._session.config):
                trunk.grow(together, Scope.Package, alone)

        if factory := getattr(self._session.config, "_tmp_path_factory", None):
            factory.getbasetemp()  # one for all, as in one process
        gc.collect()
        gc.freeze()  # what stands is not looked at again, so that its pages stay shared
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            living(become, line)
        self._coming = 1
        return pid

    def _follow(self) -> None:
        """Serve the processes until their root has ended, or the session ends early.

        The root ends after all others. When something kills it, nobody makes what its tests share: they are lost.
        """
        while not self._is_over():
            wait = self._rounds.due(time.monotonic(), running=self._is_running)
            if wait == 0:
                self._machine.send(*self._rounds.take(time.monotonic()))
                continue
            for key, _ in self._selector.select(_GLANCE if wait is None else min(wait, _GLANCE)):
                key.data()
            self._grant()
            self._replay.go_on()

    def _is_over(self) -> bool:
        """Whether the root has ended; then all is read that the processes had said by then.

        Its line tells nothing of that: what a fixture has forked may hold it open.
        """
        pid, _ = os.waitpid(self._root, os.WNOHANG)
        if pid:
            self._is_felled = True
            self._greet()
            for peer in list(self._peers):
                self._read(peer)
            for peer in [one for one in self._peers if one.kind == "root"]:
                self._hang_up(peer)
        return self._is_felled

    @property
    def _is_running(self) -> bool:
        return self._coming > 0 or any(peer.running and peer.counts for peer in self._peers)

    def _accept(self, listener: socket.socket) -> bool:
        """Take a call, if there is one."""
        try:
            made, _ = listener.accept()
        except BlockingIOError:
            return False
        made.setblocking(True)
        peer = Worker(Connection(made.detach()))
        self._peers.append(peer)
        self._selector.register(peer.connection, selectors.EVENT_READ, lambda: self._hear(peer))
        return True

    def _hear(self, peer: Worker) -> None:
        """Something has come on a line, or had when it was looked at."""
        if peer in self._peers and peer.connection.poll():
            self._listen(peer)

    def _listen(self, peer: Worker) -> None:
        try:
            message = peer.connection.recv()
        except (EOFError, ConnectionError):
            peer.is_over = True
            self._greet()  # it may have called once more
            self._hang_up(peer)
            return
        self._take(peer, message)

    def _take(self, peer: Worker, message: tuple[Any, ...]) -> None:
        """Do what a message is about."""
        if not peer.kind:
            self._on_hello(peer, *message)
            return
        if peer.kind == "guest" and message[0] != "ask":
            if message[0] in ("fork", "branch"):
                self._answer(peer, Word.STOP)
            return
        handlers: dict[str, Callable[..., None]] = {
            "ask": self._on_ask,
            "fork": self._on_wish,
            "branch": self._on_wish,
            "about": self._on_about,
            "held": self._on_held,
            "late": self._on_late,
            "idle": self._on_idle,
            "busy": self._on_busy,
            "finished": self._on_finished,
            "died": self._on_died,
            "broken": self._on_broken,
        }
        handlers[message[0]](peer, *message)

    def _on_hello(self, peer: Worker, kind: str, index: int, pid: int) -> None:
        peer.kind, peer.index, peer.pid = kind, index, pid
        if kind == "guest":
            return
        before = next((one for one in self._peers if one is not peer and one.named == peer.named), None)
        if before is not None:
            self._take_over(peer, before)
        elif kind == "root":
            self._coming -= 1
        else:
            self._arrived(index)

    def _take_over(self, peer: Worker, before: Worker) -> None:
        """A process calls once more. What it has said on its line before counts, and that line's end means nothing."""
        before.is_over = True
        with suppress(EOFError, ConnectionError):
            while before.connection.poll():
                self._take(before, before.connection.recv())
        peer.held, peer.children, peer.granted, peer.about = before.held, before.children, before.granted, before.about
        before.held, before.children, before.granted = [], {}, -1
        before.kind, before.running, before.wants = "guest", False, ()
        self._hang_up(before)

    def _on_about(self, peer: Worker, _: str, index: int) -> None:
        peer.about = index

    def _on_ask(self, peer: Worker, _: str, command: bytes, seconds: float, reads: bool) -> None:  # noqa: FBT001 - as said
        asked = PendingQuestion(peer, command, seconds, reads)
        if self._stopping:
            self._answer(peer, Word.STOP)
        elif self.faulted:
            self._answer(peer, Fault(self.faulted))
        elif reads and command in self._known and self._are_facts_good_for(peer):
            self._reply(asked, self._known[command])
        else:
            peer.running = False
            self._rounds.add(asked, time.monotonic())

    def _are_facts_good_for(self, peer: Worker) -> bool:
        return not self._rounds.touched and peer.index not in self._alone

    def _on_wish(self, peer: Worker, *wish: Any) -> None:
        peer.running = False
        peer.wants = wish

    def _on_held(self, peer: Worker, _: str, index: int) -> None:
        peer.held.append(index)
        self._replay.hold(index)

    def _on_late(self, peer: Worker, _: str, index: int, heard: tuple[Heard, ...]) -> None:
        if index in peer.held:
            peer.held.remove(index)
            self._replay.late(index, heard)

    def _on_idle(self, peer: Worker, _: str) -> None:
        peer.running = False

    def _on_busy(self, peer: Worker, _: str) -> None:
        peer.running = True

    def _on_finished(self, peer: Worker, _: str, outgrowth: TestRecord, index: int | None = None) -> None:
        peer.done_at = time.monotonic() if peer.kind == "test" else None
        peer.running = peer.running and not peer.is_done
        if not self._stopping:
            self._replay.finished(peer.index if index is None else index, outgrowth)

    def _read(self, peer: Worker) -> None:
        """All that has come on a line by now."""
        while peer in self._peers and not peer.is_over and peer.connection.poll():
            self._listen(peer)

    def _greet(self) -> None:
        """Take all calls, and read all that came with them."""
        while self._accept(self._listener):
            pass
        for peer in [one for one in self._peers if not one.kind]:
            self._read(peer)

    def _arrived(self, index: int) -> None:
        """A process for which leave was given is there, or will never be."""
        if self._granted[index]:
            self._granted[index] -= 1
            self._coming -= 1
            for peer in self._peers:
                if peer.granted == index:
                    peer.granted = -1

    def _on_died(self, peer: Worker, _: str, index: int, status: int) -> None:
        self._greet()  # its own words came earlier, but by another line
        self._arrived(index)
        places = peer.children.pop(index, (index,))
        kinds = ("test",) if len(places) == 1 else ("test", "branch")
        for one in [one for one in self._peers if one.kind in kinds and one.index in places and one is not peer]:
            self._bury(one)
        for place in places:
            self._replay.gone(place)
            self._replay.died(place, status)

    def _bury(self, peer: Worker) -> None:
        """A process has ended, or what it stands on. What it has forked may hold its line, which means nothing."""
        self._read(peer)
        if peer in self._peers:
            if not peer.is_done:
                peer.kill()
            self._hang_up(peer)

    def _on_broken(self, _peer: Worker, _: str, text: str) -> None:
        if self._stopping:
            return
        raise RuntimeError(f"a process of the session failed:\n{text}")

    def _hang_up(self, peer: Worker) -> None:
        """A process has ended."""
        if peer not in self._peers:
            return
        self._selector.unregister(peer.connection)
        peer.connection.close()
        self._peers.remove(peer)
        self._rounds.forget([peer])
        if peer.granted >= 0:
            self._arrived(peer.granted)
        for index in peer.held:
            self._replay.cut_off(index)
        if peer.kind == "test":
            self._replay.gone(peer.index)

    def _grant(self) -> None:
        """Let processes have children, while there are not too many."""
        for peer in self._peers:
            if not peer.wants:
                continue
            kind, what = peer.wants
            if self._stopping:
                self._answer(peer, Word.STOP)
            elif kind == "branch":
                go = self._count("branch") < BRANCHES
                if go:
                    self._await(peer, tuple(what))
                self._answer(peer, Word.GO if go else Word.NO)
            elif self._may_run(what):
                self._await(peer, (what,))
                self._answer(peer, Word.GO)

    def _await(self, peer: Worker, places: tuple[int, ...]) -> None:
        """A process is going to be forked."""
        peer.granted = places[0]
        peer.children[places[0]] = places
        self._granted[places[0]] += 1
        self._coming += 1

    def _may_run(self, index: int) -> bool:
        if index in self._alone:
            return not self._count("test") and not self._count("branch") and self._replay.place == index
        there = sum(peer.kind == "test" and peer.takes_room for peer in self._peers)
        return there + self._coming < self._room

    def _count(self, kind: str) -> int:
        return sum(peer.kind == kind and peer.counts for peer in self._peers)

    def _heard(self) -> None:
        """Something has come back from the machine."""
        for event in self._machine.receive():
            if isinstance(event, Fault):
                self._fault(event)
                continue
            for asked, reply in self._rounds.land(*event):
                self._reply(asked, reply)

    def _fault(self, fault: Fault) -> None:
        self.faulted = fault.text
        for asked in self._rounds.withdraw():
            self._answer(asked.asker, fault)
        raise self._session.Interrupted("the machine cannot be asked any more")

    def _reply(self, asked: PendingQuestion[Worker], reply: Reply) -> None:
        if reply.ended is Ended.UNCLEAR:
            self.unclear.append(f"{asked.command.decode('utf-8', 'backslashreplace')}: {reply.why}")
        about = asked.asker.about if asked.asker.about >= 0 else asked.asker.index
        self._kept.note(about, asked.command, reply)
        self._answer(asked.asker, reply)

    def _answer(self, peer: Worker, answer: object) -> None:
        peer.wants = ()
        peer.running = True
        try:
            peer.connection.send(answer)
        except (ConnectionError, OSError):
            return  # it has died, which is seen when its line is read

    def _end(self) -> None:
        """Whatever happened, no process is left: those that wait are told to stop, and then all are killed."""
        self._stopping = True
        deadline = time.monotonic() + _GRACE
        try:
            for asked in self._rounds.withdraw():
                self._answer(asked.asker, Word.STOP)
            self._grant()
            while any(peer.counts for peer in self._peers) and time.monotonic() < deadline:
                for key, _ in self._selector.select(deadline - time.monotonic()):
                    key.data()
                self._grant()
        finally:
            for peer in self._peers:
                peer.kill()
            if not self._is_felled:
                kill(self._root)
                os.waitpid(self._root, 0)


def _near() -> str:
    """Where the line's socket is made: among other temporary files, if its path is not too long there (unix(7))."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= _LONGEST_FOLDER else "/tmp"  # noqa: S108 - a folder of its own in it
