"""Tasks that depend on each other, the longest way first: what starts when, and what never does.

A task starts when all that it comes `after` ended well. It is skipped as soon as something that it stands on ended
badly, and given up when it runs by then. A task that somebody else is doing is put off: it takes no room, the next one
starts, and it comes back when the other has ended. The executor is any `concurrent.futures.Executor`; this module
holds no thread of its own, and knows nothing of images.
"""

from __future__ import annotations

import heapq
import time
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Result = TypeVar("Result")

#: Seconds between two looks at what was put off, while something is.
PACE = 0.2


@dataclass(frozen=True)
class Task:
    """One piece of work."""

    name: str
    #: Tasks that end before it begins. It stands on them as well.
    after: frozenset[str] = frozenset()
    #: Tasks whose bad result makes this one useless.
    stands_on: frozenset[str] = frozenset()
    #: How long it takes, as far as is known.
    seconds: float = 0.0
    #: What it takes of a bounded resource (vCPUs) meanwhile.
    weight: int = 0


@dataclass(frozen=True)
class Bounds:
    """How much may go on at once: tasks, and the sum of their weights (0: no bound)."""

    tasks: int
    weight: int = 0


@dataclass(frozen=True)
class PutOff:
    """What doing a task comes to when somebody else is at it. Subclasses tell who."""


def _nothing_new(_put_off: Mapping[str, PutOff]) -> Mapping[str, Any]:
    """The look of work in which nothing is ever put off."""
    return {}


@dataclass(frozen=True)
class Work(Generic[Result]):
    """What is done with tasks."""

    #: Does a task, or puts it off; it raises only for bugs.
    do: Callable[[Task], Result | PutOff]
    #: The result of a task that is not begun, because of a bad result of another.
    skip: Callable[[Task, Result], Result]
    #: Tells good results from bad ones.
    good: Callable[[Result], bool]
    #: Asks a task that runs to end soon; its result still comes.
    give_up: Callable[[Task, Result], None]
    #: Gets the tasks that are put off, by name. Returns those that need not wait any longer, with the result that they
    #: got elsewhere; None for one that is to be done here. It is asked every `pace` seconds, and answers at once.
    look: Callable[[Mapping[str, PutOff]], Mapping[str, Result | None]] = _nothing_new
    pace: float = PACE


def work_through(tasks: Iterable[Task], work: Work[Result], *, executor: Executor, bounds: Bounds) -> dict[str, Result]:
    """Each task's result by its name, in order of completion.

    A name that is not among the tasks counts as done. A bug's exception passes through after everything that was
    started has ended.
    """
    return _Going(Front(tasks), work, executor, bounds).to_end()


def makespan(tasks: Iterable[Task], bounds: Bounds) -> float:
    """How many seconds `work_through` takes if every task takes what it is said to take and ends well."""
    front = Front(tasks)
    running: list[tuple[float, str, Task]] = []
    now = 0.0
    while front.waiting or running:
        for task in front.start([task.weight for _, _, task in running], bounds):
            heapq.heappush(running, (now + task.seconds, task.name, task))
        now, name, _ = heapq.heappop(running)
        front.ended(name)
    return now


class Front:
    """Tasks that were not started yet, and which of them may be."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self.waiting = {task.name: task for task in tasks}
        self.followers: dict[str, list[str]] = {name: [] for name in self.waiting}
        self._missing: dict[str, int] = {}
        for task in self.waiting.values():
            earlier = task.after & self.waiting.keys()
            self._missing[task.name] = len(earlier)
            for name in earlier:
                self.followers[name].append(task.name)
        self.ways = _ways(self.waiting, self.followers)
        self._ready: list[tuple[float, int, str]] = []
        self._order = {name: place for place, name in enumerate(self.waiting)}
        for name in self.waiting:
            self.offer(name)

    def start(self, running: Iterable[int], bounds: Bounds) -> list[Task]:
        """Take out the tasks to start now, beside running ones of these weights. What is too heavy runs alone."""
        chosen: list[Task] = []
        weights = list(running)
        while self._ready and len(weights) < bounds.tasks:
            task = self.waiting.get(self._ready[0][2])
            if task is None:  # skipped meanwhile
                heapq.heappop(self._ready)
                continue
            if bounds.weight and weights and sum(weights) + task.weight > bounds.weight:
                break  # what is longest goes first: nothing shorter may keep it waiting
            heapq.heappop(self._ready)
            chosen.append(self.waiting.pop(task.name))
            weights.append(task.weight)
        return chosen

    def ended(self, name: str) -> None:
        """A task ended well: what waited for it alone may start."""
        for follower in self.followers[name]:
            self._missing[follower] -= 1
            self.offer(follower)

    def put_off(self, task: Task) -> None:
        """Take back a task that was started and not done. It starts again once it is offered."""
        self.waiting[task.name] = task

    def spoiled(self, bad: set[str]) -> list[Task]:
        """Take out the tasks that come after bad ones, or stand on them."""
        lost = [task for task in self.waiting.values() if bad & (task.after | task.stands_on)]
        for task in lost:
            del self.waiting[task.name]
        return lost

    def offer(self, name: str) -> None:
        """Let a task start in its turn, if nothing that it comes after is missing."""
        if not self._missing[name]:
            heapq.heappush(self._ready, (-self.ways[name], self._order[name], name))


def _ways(tasks: Mapping[str, Task], followers: Mapping[str, list[str]]) -> dict[str, float]:
    """For each task the seconds of the longest way from its start to the end of everything that comes after it."""
    found: dict[str, float] = {}
    waiting = list(tasks)
    while waiting:
        name = waiting[-1]
        missing = [later for later in followers[name] if later not in found]
        if missing:
            waiting += missing
            continue
        waiting.pop()
        found[name] = tasks[name].seconds + max((found[later] for later in followers[name]), default=0.0)
    return found


@dataclass
class _Going(Generic[Result]):
    front: Front
    work: Work[Result]
    executor: Executor
    bounds: Bounds
    results: dict[str, Result] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    running: dict[Future[Result | PutOff], Task] = field(default_factory=dict)
    put_off: dict[str, PutOff] = field(default_factory=dict)

    def to_end(self) -> dict[str, Result]:
        while self.front.waiting or self.running:
            for task in self.front.start([task.weight for task in self.running.values()], self.bounds):
                self.running[self.executor.submit(self.work.do, task)] = task
            for future in self._ended():
                self._end(self.running.pop(future), future.result())
            self._look()
        return self.results

    def _ended(self) -> set[Future[Result | PutOff]]:
        """Wait for a task to end; while some are put off only as long as until the next look."""
        if not self.put_off:
            return wait(self.running, return_when=FIRST_COMPLETED).done
        if not self.running:
            time.sleep(self.work.pace)
            return set()
        return wait(self.running, self.work.pace, FIRST_COMPLETED).done

    def _end(self, task: Task, answer: Result | PutOff) -> None:
        if not isinstance(answer, PutOff):
            self._take(task, answer)
        elif bad := sorted(self.bad & (task.after | task.stands_on)):  # it was given up while it found that out
            self._take(task, self.work.skip(task, self.results[bad[0]]))
        else:
            self.front.put_off(task)
            self.put_off[task.name] = answer

    def _look(self) -> None:
        """End or offer what need not wait any longer."""
        if not self.put_off:
            return
        for name, result in self.work.look(dict(self.put_off)).items():
            if self.put_off.pop(name, None) is None:  # skipped, because of a result before it
                continue
            if result is None:
                self.front.offer(name)
            else:
                self._take(self.front.waiting.pop(name), result)

    def _take(self, task: Task, result: Result) -> None:
        self.results[task.name] = result
        if self.work.good(result):
            self.front.ended(task.name)
            return
        self.bad.add(task.name)
        for other in self.running.values():
            if task.name in other.stands_on | other.after:
                self.work.give_up(other, result)
        for lost in self.front.spoiled({task.name}):
            self.put_off.pop(lost.name, None)
            self._take(lost, self.work.skip(lost, result))
