"""What benches compute from times, held with values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.run.schedule import Bounds, Task, makespan
from tests.bench.bench_makespan import bound, least
from tests.bench.row import Row, table


def chain_then_many(*seconds: float) -> tuple[Task, ...]:
    """A root of 10 s, and tasks that come after it."""
    return (
        Task("root", seconds=10),
        *(Task(str(place), frozenset({"root"}), seconds=took) for place, took in enumerate(seconds)),
    )


def test_bound_when_all_stand_on_one() -> None:
    """The bound counts on machines that have nothing to do; the nearer one does not."""
    tasks = chain_then_many(5, 5, 5, 5)
    assert (bound(tasks, 2), least(tasks, 2)) == (15, 20)
    assert makespan(tasks, Bounds(2)) == 20


def test_bound_when_all_are_awaited() -> None:
    """What comes after everything leaves machines without work just so."""
    many = tuple(Task(str(place), seconds=5) for place in range(4))
    tasks = (*many, Task("last", frozenset(task.name for task in many), seconds=10))
    assert (bound(tasks, 2), least(tasks, 2), makespan(tasks, Bounds(2))) == (15, 20, 20)


def test_bound_when_some_wait_for_the_longer_of_two() -> None:
    """What comes after both cannot start before the longer one ends."""
    both = frozenset({"short", "long"})
    after = [Task(str(place), both, seconds=6) for place in range(4)]
    tasks = (Task("short", seconds=1), Task("long", seconds=9), *after)
    assert (bound(tasks, 2), least(tasks, 2)) == (17, 21)


def test_bound_when_the_longest_way_is_all() -> None:
    """One task after another takes what it takes, however many machines there are."""
    tasks = (Task("a", seconds=3), Task("b", frozenset({"a"}), seconds=4))
    assert (bound(tasks, 8), least(tasks, 8)) == (7, 7)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Task, ...]:
    """Tasks each of which comes after some of those before it."""
    made: list[Task] = []
    for place, seconds in enumerate(draw(st.lists(st.integers(1, 20), min_size=1, max_size=9))):
        after = draw(st.sets(st.sampled_from(range(place)), max_size=2)) if place else set()
        made.append(Task(str(place), frozenset(map(str, after)), seconds=seconds))
    return tuple(made)


@given(graphs(), st.integers(1, 4))
def test_least_when_compared(tasks: tuple[Task, ...], machines: int) -> None:
    """It is never below the plain bound, and never above what some order really takes."""
    assert bound(tasks, machines) <= least(tasks, machines) <= makespan(tasks, Bounds(machines)) + 1e-9


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (Row("b", "c", 1.0, 2.0, aim=0.5), True),
        (Row("b", "c", 1.1, 2.0, aim=0.5), False),
        (Row("b", "c", 1.9, 0.1, aim=2.0, absolute=True), True),
        (Row("b", "c", 1.0, 9.0, aim=2.0, absolute=True, failed="2 machines were started"), False),
        (Row("b", "c", 1.0, 2.0), None),
    ],
)
def test_aim_when_compared(row: Row, *, met: bool | None) -> None:
    """An aim is for the ratio, or for our side alone; a broken condition misses it whatever the number."""
    assert row.met is met


def test_table_when_there_are_notes() -> None:
    """Columns are aligned, and what is to be said stands below."""
    text = table([Row("plan", "1,000 images", 1.25, aim=2, absolute=True, note="10,000: 9.0 s")])
    assert text.splitlines() == [
        "BENCH  COMPARED      OURS    OTHER  RATIO  AIM     MET",
        "plan   1,000 images  1.25 s                <= 2 s  yes",
        "plan: 10,000: 9.0 s",
    ]
