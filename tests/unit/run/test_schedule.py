"""The order of tasks: what starts when, what never does, and what is given up."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.run.schedule import Bounds, PutOff, Task, Work, makespan, work_through

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class AtOnce(Executor):
    """Runs what it is given before it gives the future back."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future


@dataclass
class Doing:
    """Does tasks that end "ok", or "bad" when they are in `failing`; remembers what happened."""

    failing: set[str] = field(default_factory=set)
    order: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)

    def work(self) -> Work[str]:
        return Work(self.do, self.skip, lambda result: result == "ok", self.give_up)

    def do(self, task: Task) -> str:
        self.order.append(task.name)
        return "bad" if task.name in self.failing else "ok"

    def skip(self, _task: Task, culprit: str) -> str:
        return f"skipped: {culprit}"

    def give_up(self, task: Task, _culprit: str) -> None:
        self.given_up.append(task.name)


def after(name: str, *earlier: str, seconds: float = 1, weight: int = 0, stands_on: str = "") -> Task:
    return Task(name, frozenset(earlier), frozenset({stands_on} if stands_on else ()), seconds, weight)


ONE = Bounds(1)


def test_work_through_when_a_task_fails() -> None:
    """What comes after it is skipped to the last; unrelated work goes on."""
    doing = Doing({"golden"})
    family = [after("golden"), after("web", "golden"), after("shop", "web"), after("other")]
    results = work_through(family, doing.work(), executor=AtOnce(), bounds=ONE)
    assert results == {
        "golden": "bad",
        "web": "skipped: bad",
        "shop": "skipped: skipped: bad",
        "other": "ok",
    }


def test_work_through_when_work_raises() -> None:
    """A bug is not swallowed."""
    work = Work[int](lambda _: 1 // 0, lambda _task, _culprit: 0, bool, lambda _task, _culprit: None)
    with pytest.raises(ZeroDivisionError):
        work_through([after("a")], work, executor=AtOnce(), bounds=ONE)


def test_work_through_when_ways_differ() -> None:
    """What has the longest way to the end before it starts first, not what takes longest itself."""
    doing = Doing()
    tasks = [after("short", seconds=5), after("a", seconds=1), after("b", "a", seconds=9), after("tiny", seconds=2)]
    work_through(tasks, doing.work(), executor=AtOnce(), bounds=ONE)
    assert doing.order == ["a", "b", "short", "tiny"]


def test_work_through_when_two_may_run() -> None:
    """As many run at once as may, and no more."""
    both, running, most = threading.Barrier(2, timeout=300), [0], [0]
    lock = threading.Lock()

    def do(_: Task) -> str:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        both.wait()
        with lock:
            running[0] -= 1
        return "ok"

    with ThreadPoolExecutor(8) as executor:
        work = Work(do, Doing().skip, lambda _: True, Doing().give_up)
        work_through([after(name) for name in "abcdef"], work, executor=executor, bounds=Bounds(2))
    assert most == [2]


def test_work_through_when_weights_are_bounded() -> None:
    """The sum of weights stays within its bound; what is heavier than all of it runs alone."""
    tasks = [
        after("a", weight=2, seconds=4),
        after("b", weight=2, seconds=3),
        after("c", weight=2),
        after("d", weight=9),
    ]
    assert makespan(tasks, Bounds(9, weight=4)) == 4 + 1
    doing = Doing()
    assert set(work_through(tasks, doing.work(), executor=AtOnce(), bounds=Bounds(9, weight=1))) == set("abcd")


def test_work_through_when_what_a_running_task_stands_on_ends_badly() -> None:
    """It is asked to end, its own result counts, and what comes after it is not begun."""
    started, ended = threading.Event(), threading.Event()
    given_up: list[str] = []

    def do(task: Task) -> str:
        if task.name == "test golden":
            started.wait(300)
            return "bad"
        started.set()
        ended.wait(300)
        return "cancelled"

    def give_up(task: Task, _: str) -> None:
        given_up.append(task.name)
        ended.set()

    tasks = [
        after("test golden"),
        after("build web", stands_on="test golden"),
        after("test web", "build web", "test golden"),
    ]
    with ThreadPoolExecutor(2) as executor:
        work = Work(do, Doing().skip, lambda result: result == "ok", give_up)
        results = work_through(tasks, work, executor=executor, bounds=Bounds(2))
    assert given_up == ["build web"]
    assert results == {"test golden": "bad", "test web": "skipped: bad", "build web": "cancelled"}


def square(task: Task) -> int:
    return int(task.name) ** 2


def test_work_through_when_the_executor_has_processes() -> None:
    """Tasks and results are values: any executor can carry them."""
    work = Work(square, lambda _task, _culprit: -1, lambda result: result >= 0, lambda _task, _culprit: None)
    with ProcessPoolExecutor(2) as executor:
        assert work_through([after("3"), after("4", "3")], work, executor=executor, bounds=Bounds(2)) == {
            "3": 9,
            "4": 16,
        }


def test_work_through_when_an_earlier_task_is_not_there() -> None:
    """A name that is not among the tasks is done already."""
    assert work_through([after("b", "a")], Doing().work(), executor=AtOnce(), bounds=ONE) == {"b": "ok"}


FORESTS = st.lists(st.tuples(st.integers(-1, 20), st.integers(-1, 20), st.integers(0, 9)), max_size=14)


def forest(links: list[tuple[int, int, int]]) -> list[Task]:
    """Task i comes after and stands on tasks before it."""
    return [
        Task(
            str(place),
            frozenset({str(one % place)} if place and one >= 0 else ()),
            frozenset({str(other % place)} if place and other >= 0 else ()),
            seconds,
        )
        for place, (one, other, seconds) in enumerate(links)
    ]


@given(FORESTS, st.sets(st.integers(0, 13)), st.integers(1, 4))
def test_work_through_when_tasks_are_any(links: list[tuple[int, int, int]], failing: set[int], slots: int) -> None:
    """Each task has one result, each is done after those that it comes after, and none after a bad one."""
    tasks, doing = forest(links), Doing({str(one) for one in failing})
    results = work_through(tasks, doing.work(), executor=AtOnce(), bounds=Bounds(slots))
    assert set(results) == {task.name for task in tasks}
    assert len(doing.order) == len(set(doing.order))
    for task in tasks:
        if task.name in doing.order:
            assert all(results[earlier] == "ok" for earlier in task.after)
            assert all(doing.order.index(earlier) < doing.order.index(task.name) for earlier in task.after)
            bad = [one for one in task.stands_on if one in doing.order and results[one] != "ok"]
            assert slots > 1 or all(doing.order.index(one) > doing.order.index(task.name) for one in bad)
        else:
            assert any(results[earlier] != "ok" for earlier in task.after | task.stands_on)


@given(FORESTS, st.integers(1, 4))
def test_makespan_when_tasks_are_any(links: list[tuple[int, int, int]], slots: int) -> None:
    """It is at least the longest way and the work's share of each slot, and at most twice the larger (Graham 1966)."""
    tasks = forest(links)
    ends: dict[str, float] = {}
    for task in tasks:
        ends[task.name] = task.seconds + max((ends[earlier] for earlier in task.after), default=0)
    bound = max([max(ends.values(), default=0), sum(task.seconds for task in tasks) / slots])
    assert bound <= makespan(tasks, Bounds(slots)) <= 2 * bound


@dataclass
class Shared(Doing):
    """Does tasks of which another builder does some at first: each has how many looks it takes, and what comes of it.

    None stands for a task that the other leaves undone.
    """

    others: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    waited: list[set[str]] = field(default_factory=list)

    def work(self) -> Work[str]:
        return Work(self.try_to_do, self.skip, lambda result: result == "ok", self.give_up, self.look, pace=0)

    def try_to_do(self, task: Task) -> str | PutOff:
        return PutOff() if task.name in self.others else self.do(task)

    def look(self, put_off: Mapping[str, PutOff]) -> dict[str, str | None]:
        self.waited.append(set(put_off))
        ended = {name for name in put_off if self.others[name][0] <= len(self.waited)}
        return {name: self.others.pop(name)[1] for name in ended}


def test_work_through_when_another_does_a_task() -> None:
    """Its room goes to the next task, and its result counts when it is there; what was left undone is done here."""
    doing = Shared(others={"a": (5, "ok"), "b": (4, None)})
    tasks = [after("a", seconds=9), after("b", seconds=8), after("c"), after("d"), after("later", "a", seconds=7)]
    results = work_through(tasks, doing.work(), executor=AtOnce(), bounds=ONE)
    assert results == dict.fromkeys(["c", "d", "b", "a", "later"], "ok")
    assert doing.order == ["c", "d", "b", "later"]


def test_work_through_when_another_fails_at_a_task() -> None:
    """What stands on it is skipped, also a task that is put off itself; its own end is not awaited any more."""
    doing = Shared(others={"golden": (2, "bad"), "web": (4, "ok")})
    tasks = [after("golden"), after("web", stands_on="golden"), after("shop", "web"), *map(after, "abcd")]
    results = work_through(tasks, doing.work(), executor=AtOnce(), bounds=ONE)
    skipped = {"golden": "bad", "web": "skipped: bad", "shop": "skipped: skipped: bad"}
    assert results == skipped | dict.fromkeys("abcd", "ok")
    assert doing.order == ["a", "b", "c", "d"]
    assert doing.waited == [{"web"}, {"web", "golden"}]


def test_work_through_when_a_task_is_given_up_and_found_elsewhere() -> None:
    """It is skipped like one that was not begun: nothing else would end its wait."""
    asked, told = threading.Event(), threading.Event()

    def do(task: Task) -> str | PutOff:
        if task.name == "golden":
            asked.wait(300)
            return "bad"
        asked.set()
        told.wait(300)
        return PutOff()

    work = Work(do, Doing().skip, lambda result: result == "ok", lambda _task, _: told.set(), pace=0)
    with ThreadPoolExecutor(2) as executor:
        tasks = [after("golden"), after("web", stands_on="golden")]
        assert work_through(tasks, work, executor=executor, bounds=Bounds(2)) == {
            "golden": "bad",
            "web": "skipped: bad",
        }


@given(FORESTS, st.dictionaries(st.integers(0, 13), st.tuples(st.integers(1, 9), st.sampled_from(["ok", "bad", None]))))
def test_work_through_when_others_do_any(
    links: list[tuple[int, int, int]], others: dict[int, tuple[int, str | None]]
) -> None:
    """Each task has one result, from whoever did it, and none begins before those that it comes after."""
    tasks, doing = forest(links), Shared(others={str(name): end for name, end in others.items()})
    results = work_through(tasks, doing.work(), executor=AtOnce(), bounds=ONE)
    assert set(results) == {task.name for task in tasks}
    ended = list(results)
    for task in tasks:
        if task.name in doing.order:
            assert all(results[earlier] == "ok" for earlier in task.after)
            assert all(ended.index(earlier) < ended.index(task.name) for earlier in task.after)
