"""Runs a session's tests in a tree of processes: answers their questions in rounds, and tells their reports in order.

It takes the place of pytest's own loop over the tests, and is the only process that pytest's reporting plugins see. Who
calls and who has ended is in roster.py, who may be forked in permits.py.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from orchestrator.validate.batch.question import Ended
from orchestrator.validate.batch.rounds import PendingQuestion, Rounds
from orchestrator.validate.excerpts import Excerpts
from orchestrator.validate.workers import facts
from orchestrator.validate.workers.fixture_process import fork_root
from orchestrator.validate.workers.ipc import CoordinatorLink, Fault, TestRecord, Word
from orchestrator.validate.workers.permits import Permits
from orchestrator.validate.workers.replay import Replay
from orchestrator.validate.workers.roster import Roster

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

    from orchestrator.validate.batch.question import Reply
    from orchestrator.validate.verdict import AskedCommand
    from orchestrator.validate.workers.asker import MachineUnderTest, PassesQuestions
    from orchestrator.validate.workers.ipc import Heard
    from orchestrator.validate.workers.worker import Worker

#: Seconds that processes have to clean up when a session is stopped.
_GRACE = 5.0
#: Seconds between two looks whether the tree's root lives.
_GLANCE = 0.5


class Coordinator:
    """One session. It follows the workers of its roster.

    `known` are replies to commands that are facts. They serve until a test has said a command of its own, which may
    have changed the machine, and never a test that runs alone. `faulted` is why the machine cannot be asked any more,
    `unclear` names commands whose result is unknown.
    """

    def __init__(
        self, session: pytest.Session, machine: MachineUnderTest, backend: PassesQuestions, known: Mapping[bytes, Reply]
    ) -> None:
        self.faulted = ""
        self.unclear: list[str] = []
        self._excerpts = Excerpts()
        self._session = session
        self._machine = machine
        self._backend = backend
        self._known = known
        self._rounds: Rounds[Worker] = Rounds(len(facts.COMMANDS))
        self._replay = Replay(session)
        self._roster = Roster(self)
        alone = (place for place, item in enumerate(session.items) if item.get_closest_marker("alone"))
        self._permits = Permits(frozenset(alone))
        self._stopping = False
        self._handlers: dict[str, Callable[..., None]] = {
            "ask": self._on_ask,
            "fork": self._on_fork,
            "branch": self._on_fork,
            "about": self._on_about,
            "held": self._on_held,
            "late": self._on_late,
            "idle": self._on_idle,
            "busy": self._on_busy,
            "finished": self._on_finished,
            "died": self._on_died,
            "broken": self._on_broken,
        }

    def run(self) -> None:
        """Run all tests. Raises what ends a session early, as pytest's own loop does."""
        with self._roster.listening(2 * self._permits.limit) as address:
            self._roster.watch(self._machine, self._hear_machine)
            link = CoordinatorLink(address)
            self._backend.asker = link
            self._roster.follow_root(fork_root(self._session, link, self._permits.alone, self._roster.close_in_child))
            self._permits.expect_root()
            try:
                self._follow()
            finally:
                self._end()
        self._replay.rest()

    def asked_now(self) -> tuple[AskedCommand, ...]:
        """What the test that is being told of has asked, and what came back."""
        return self._excerpts.of(self._replay.place)

    def _follow(self) -> None:
        """Serve the processes until their root has ended, or the session ends early.

        The root ends after all others. When something kills it, nobody makes what its tests share: they are lost.
        """
        while not self._roster.is_over():
            wait = self._rounds.due(time.monotonic(), running=self._is_running)
            if wait == 0:
                self._machine.send(*self._rounds.take(time.monotonic()))
                continue
            self._roster.wait(_GLANCE if wait is None else min(wait, _GLANCE))
            self._grant()
            self._replay.go_on()

    @property
    def _is_running(self) -> bool:
        return self._permits.coming > 0 or any(worker.running and worker.counts for worker in self._roster.workers)

    def _grant(self) -> None:
        """Let workers fork, while there are not too many."""
        for worker in self._roster.workers:
            if not worker.wants:
                continue
            word = Word.STOP
            if not self._stopping:
                permitted = self._permits.answer(worker, self._roster.workers, self._replay.place)
                if permitted is None:
                    continue
                word = permitted
            worker.answer(word)

    def _end(self) -> None:
        """Whatever happened, no process is left: those that wait are told to stop, and then all are killed."""
        self._stopping = True
        deadline = time.monotonic() + _GRACE
        try:
            for asked in self._rounds.withdraw():
                asked.asker.answer(Word.STOP)
            self._grant()
            while any(worker.counts for worker in self._roster.workers) and time.monotonic() < deadline:
                self._roster.wait(deadline - time.monotonic())
                self._grant()
        finally:
            self._roster.kill_all()

    def on_arrival(self, place: int) -> None:
        """A worker that was permitted is there."""
        self._permits.arrived(place, self._roster.workers)

    def on_message(self, worker: Worker, message: tuple[Any, ...]) -> None:
        """Do what a message is about. Of a guest only its questions count."""
        if worker.kind != "guest" or message[0] == "ask":
            self._handlers[message[0]](worker, *message)
        elif message[0] in ("fork", "branch"):
            worker.answer(Word.STOP)

    def on_end(self, worker: Worker) -> None:
        """A worker asks no more, and what it was to do will not be done."""
        self._rounds.forget([worker])
        if worker.granted >= 0:
            self._permits.arrived(worker.granted, self._roster.workers)
        for index in worker.held:
            self._replay.cut_off(index)
        if worker.kind == "test":
            self._replay.gone(worker.index)

    def _on_about(self, worker: Worker, _: str, index: int) -> None:
        worker.about = index

    def _on_ask(self, worker: Worker, _: str, command: bytes, seconds: float, reads: bool) -> None:  # noqa: FBT001 - as said
        asked = PendingQuestion(worker, command, seconds, reads)
        if self._stopping:
            worker.answer(Word.STOP)
        elif self.faulted:
            worker.answer(Fault(self.faulted))
        elif reads and command in self._known and self._are_facts_good_for(worker):
            self._reply(asked, self._known[command])
        else:
            worker.running = False
            self._rounds.add(asked, time.monotonic())

    def _are_facts_good_for(self, worker: Worker) -> bool:
        return not self._rounds.touched and worker.index not in self._permits.alone

    def _on_fork(self, worker: Worker, *asked: Any) -> None:
        worker.running = False
        worker.wants = asked

    def _on_held(self, worker: Worker, _: str, index: int) -> None:
        worker.held.append(index)
        self._replay.hold(index)

    def _on_late(self, worker: Worker, _: str, index: int, heard: tuple[Heard, ...]) -> None:
        if index in worker.held:
            worker.held.remove(index)
            self._replay.late(index, heard)

    def _on_idle(self, worker: Worker, _: str) -> None:
        worker.running = False

    def _on_busy(self, worker: Worker, _: str) -> None:
        worker.running = True

    def _on_finished(self, worker: Worker, _: str, record: TestRecord, index: int | None = None) -> None:
        worker.done_at = time.monotonic() if worker.kind == "test" else None
        worker.running = worker.running and not worker.is_done
        if not self._stopping:
            self._replay.finished(worker.index if index is None else index, record)

    def _on_died(self, parent: Worker, _: str, index: int, status: int) -> None:
        self._roster.greet()  # its own words came earlier, but by another connection
        self._permits.arrived(index, self._roster.workers)
        for place in self._roster.bury(parent, index):
            self._replay.gone(place)
            self._replay.died(place, status)

    def _on_broken(self, _worker: Worker, _: str, text: str) -> None:
        if self._stopping:
            return
        raise RuntimeError(f"a process of the session failed:\n{text}")

    def _hear_machine(self) -> None:
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
            asked.asker.answer(fault)
        raise self._session.Interrupted("the machine cannot be asked any more")

    def _reply(self, asked: PendingQuestion[Worker], reply: Reply) -> None:
        if reply.ended is Ended.UNCLEAR:
            self.unclear.append(f"{asked.command.decode('utf-8', 'backslashreplace')}: {reply.why}")
        about = asked.asker.about if asked.asker.about >= 0 else asked.asker.index
        self._excerpts.note(about, asked.command, reply)
        asked.asker.answer(reply)
