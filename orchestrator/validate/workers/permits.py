"""Which processes of a session may be forked, and how many of those are not there yet. Pure, but for the workers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.validate.workers.ipc import Word
from orchestrator.validate.workers.process_limit import most_tests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.validate.workers.worker import Worker

#: How many branches have a process at once, besides the tests.
BRANCHES = 64
#: In the place of a test: the root of the tree, which is forked without asking.
ROOT = -1


@dataclass
class Permits:
    """The permits of one session. A process is named by the place of its first test."""

    #: The places of tests that run alone.
    alone: frozenset[int]
    #: How many tests may have a process at once.
    limit: int = field(default_factory=most_tests)
    #: How many processes of each place may be forked and have not called yet.
    _coming: Counter[int] = field(default_factory=Counter)

    @property
    def coming(self) -> int:
        """How many processes are going to call."""
        return self._coming.total()

    def expect_root(self) -> None:
        """The root was forked."""
        self._coming[ROOT] += 1

    def answer(self, worker: Worker, workers: Sequence[Worker], replayed: int) -> Word | None:
        """What a worker is told that wants to fork; None: it has to wait. A permit is written down, also at the worker.

        `replayed` is the place of the test of which pytest is told next: those that run alone wait for it.
        """
        kind, wanted = worker.wants
        if kind == "branch":
            if _count(workers, "branch") >= BRANCHES:
                return Word.NO
            self._give(worker, tuple(wanted))
            return Word.GO
        if not self._may_run(wanted, workers, replayed):
            return None
        self._give(worker, (wanted,))
        return Word.GO

    def arrived(self, place: int, workers: Sequence[Worker]) -> None:
        """A process that was permitted has called, or never will."""
        if self._coming[place] <= 0:
            return
        self._coming[place] -= 1
        for worker in workers:
            if worker.granted == place:
                worker.granted = -1

    def _give(self, worker: Worker, places: tuple[int, ...]) -> None:
        worker.granted = places[0]
        worker.children[places[0]] = places
        self._coming[places[0]] += 1

    def _may_run(self, place: int, workers: Sequence[Worker], replayed: int) -> bool:
        if place in self.alone:
            return not _count(workers, "test") and not _count(workers, "branch") and replayed == place
        there = sum(worker.kind == "test" and worker.takes_room for worker in workers)
        return there + self.coming < self.limit


def _count(workers: Sequence[Worker], kind: str) -> int:
    return sum(worker.kind == kind and worker.counts for worker in workers)
