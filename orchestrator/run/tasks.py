"""From the steps of a plan to tasks: a build and a validation for each segment that needs them.

A child is built as soon as its parent's AMI is there, while that is still being tested; it is tested only when its
parent is proven.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.plan.steps import Action, PlanStep
from orchestrator.run.schedule import Task

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Seconds that are assumed of what was never done before: only their proportions matter. A parent's tests must come out
#: before the builds of its children, which would otherwise all wait for its verdict with nothing left to do.
_UNKNOWN_BUILD, _UNKNOWN_ROLE, _UNKNOWN_VALIDATION = 15.0, 3.0, 45.0

BUILD, TEST = "build", "test"


def name_of(kind: str, segment: str) -> str:
    """The name of a task."""
    return f"{kind} {segment}"


def parts_of(task: str) -> tuple[str, str]:
    """The kind and the segment of a task's name."""
    kind, _, segment = task.partition(" ")
    return kind, segment


def tasks(steps: Iterable[PlanStep], *, vcpus: int = 0) -> tuple[Task, ...]:
    """The tasks of a plan's steps. `vcpus` is what one machine takes of the environment's quota."""
    by_name = {step.name: step for step in steps}
    made: list[Task] = []
    for step in by_name.values():
        proven = frozenset({name_of(TEST, step.awaits)} if step.awaits in by_name else ())
        if step.action is Action.BUILD:
            parent = by_name.get(step.segment.parent or "")
            built = {name_of(BUILD, parent.name)} if parent and parent.action is Action.BUILD else set()
            made.append(Task(name_of(BUILD, step.name), frozenset(built), proven, _to_build(step), vcpus))
        if step.action.works and not step.segment.shared:
            own = {name_of(BUILD, step.name)} if step.action is Action.BUILD else set()
            seconds = _UNKNOWN_VALIDATION if step.validate_seconds is None else step.validate_seconds
            made.append(Task(name_of(TEST, step.name), frozenset(own) | proven, frozenset(), seconds, vcpus))
    return tuple(made)


def _to_build(step: PlanStep) -> float:
    if step.build_seconds is not None:
        return step.build_seconds
    return _UNKNOWN_BUILD + _UNKNOWN_ROLE * sum(1 + len(layer.roles) for layer in step.segment.layers)
