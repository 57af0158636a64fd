"""The wall time of `ami build` from nothing, against what its own tasks take at least with as many machines.

The bound that is aimed at is max(longest way, all work / machines). It counts on work for every machine from the first
second to the last. Where all images stand on one golden image, the others wait while that is built; `least` knows that.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from orchestrator.run.schedule import Bounds, Front, makespan
from orchestrator.run.tasks import BUILD, parts_of
from tests.bench.row import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.run.schedule import Task
    from tests.bench.setting import Build, Setting

_AIM = 1.05


def run(setting: Setting) -> list[Row]:
    """The walls of the builds so far, or of a new one."""
    if not setting.builds:
        setting.tell("makespan: ami build of all images from nothing")
        setting.build_from_nothing()
    walls, bounds, least_of, listed = [], [], [], []
    for build in setting.builds:
        tasks = timed_tasks(build)
        walls.append(build.wall)
        bounds.append(bound(tasks, setting.parallel))
        least_of.append(least(tasks, setting.parallel))
        listed.append(makespan(tasks, Bounds(setting.parallel)))
    wall = median(walls)
    return [
        Row("makespan", "wall : max(longest way, work / machines)", wall, median(bounds), aim=_AIM),
        Row("makespan", "wall : least that any order can take", wall, median(least_of)),
        Row("makespan", "wall : the same order, durations known before", wall, median(listed)),
    ]


def timed_tasks(build: Build) -> tuple[Task, ...]:
    """The tasks of a build with the seconds that each took."""
    ended = {one["image"]: one for one in build.summary["images"]}

    def took(task: Task) -> float:
        kind, name = parts_of(task.name)
        return float(ended[name].get("build_seconds" if kind == BUILD else "validate_seconds", 0.0))

    return tuple(replace(task, seconds=took(task)) for task in build.tasks)


def bound(tasks: Sequence[Task], machines: int) -> float:
    """max(longest way, all work / machines): no order is faster."""
    return max(*Front(tasks).ways.values(), sum(task.seconds for task in tasks) / machines)


def least(tasks: Sequence[Task], machines: int) -> float:
    """A nearer bound: whatever cannot start before some moment, nor end after another, needs its share of machines."""
    ways = Front(tasks).ways
    heads = _heads(tasks)
    tails = {task.name: ways[task.name] - task.seconds for task in tasks}
    found = bound(tasks, machines)
    for head in set(heads.values()):
        for tail in set(tails.values()):
            within = [task.seconds for task in tasks if heads[task.name] >= head and tails[task.name] >= tail]
            if within:
                found = max(found, head + sum(within) / machines + tail)
    return found


def _heads(tasks: Sequence[Task]) -> dict[str, float]:
    """The seconds that each task must wait for what it comes after."""
    names = {task.name for task in tasks}
    heads: dict[str, float] = {}
    ends: dict[str, float] = {}
    left = list(tasks)
    while left:
        task = next(one for one in left if (one.after & names) <= ends.keys())
        left.remove(task)
        heads[task.name] = max((ends[name] for name in task.after & names), default=0.0)
        ends[task.name] = heads[task.name] + task.seconds
    return heads
