"""Which tests prove an image: those of every role in its stack, and the hygiene tests of the seal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.files.held_folder import held_folder
from orchestrator.masks import values_of
from orchestrator.plan.inputs import Collector
from orchestrator.plan.planned_layer import SEAL, applied_roles, seal_of
from orchestrator.validate.request import ImageFacts, RoleTests, TestsRequest
from orchestrator.validate.suite.parts import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.planned_layer import PlannedLayer
    from orchestrator.plan.segment import Segment
    from orchestrator.plan.steps import PlanStep
    from orchestrator.validate.request import TestCounts


def tests_of(workspace: Workspace, *segments: Segment) -> tuple[RoleTests, ...]:
    """The folders with the tests of images, once each, in the order in which their roles are applied.

    Roles that others depend on are among them, and those that an image leaves untested are not.
    """
    # Of each stack of roles once, and of each role of a level: a plan of thousands of images has few of them.
    stacks: dict[Any, Segment] = {}
    for segment in segments:
        stacks.setdefault(_roles_in(workspace, segment), segment)
    tested = {(role, level.root): level for segment in stacks.values() for role, level in _tested(workspace, segment)}
    levels = tuple(level.root for level in workspace.chain() if not level.origin.is_builtin)
    found = (
        RoleTests(role, folder, _level_of(folder, levels))
        for (role, _), level in tested.items()
        for folder in level.tests_of_role(role)
    )
    return tuple(sorted(dict.fromkeys(found), key=lambda one: one.role == SEAL))


def _level_of(folder: Path, levels: tuple[Path, ...]) -> int:
    """Which of the levels has a folder with tests. Those of the built-in workspace belong to whoever extends it."""
    there = [place for place, root in enumerate(levels) if folder.is_relative_to(root)]
    return max(there, key=lambda place: len(levels[place].parts), default=len(levels) - 1)


def _roles_in(workspace: Workspace, segment: Segment) -> tuple[Any, ...]:
    """All that decides which roles of a segment are tested, and from which levels."""
    layers = ((layer.home and layer.home.root, layer.roles, *layer.untested) for layer in segment.stack)
    return (segment.home(workspace).root, *layers)


def _tested(workspace: Workspace, segment: Segment) -> Iterator[tuple[str, Workspace]]:
    """The roles that are tested, each with its level. A level leaves its own roles untested, and no other's."""
    untested = {((layer.home or workspace).root, role) for layer in segment.stack for role in layer.untested}
    return ((role, level) for role, level in _applied(workspace, segment) if (level.root, role) not in untested)


def _applied(workspace: Workspace, segment: Segment) -> tuple[tuple[str, Workspace], ...]:
    return applied_roles(workspace, (*segment.stack, seal_of(segment.home(workspace))))


def roles_of(workspace: Workspace, segment: Segment) -> tuple[str, ...]:
    """All roles of an image's stack in the order in which they are applied, the seal last."""
    return tuple(dict.fromkeys(role for role, _ in _applied(workspace, segment)))


def untested_of(segment: Segment) -> dict[str, str]:
    """Why roles of an image's stack have no tests, by the role."""
    return {role: why for layer in segment.stack for role, why in layer.untested.items()}


def tests_to_run(workspace: Workspace, decided: Iterable[PlanStep]) -> tuple[RoleTests, ...]:
    """The tests that the steps of a plan run."""
    proven = [step.segment for step in decided if step.action.works and not step.segment.shared]
    return tests_of(workspace, *proven) if proven else ()


def collect_tests(workspace: Workspace, decided: Iterable[PlanStep]) -> TestCounts:
    """Let pytest collect the tests that the steps of a plan run: how many there are, by level and role. It takes a
    second, and no machine.

    Each role's are collected once, however many images carry it. Raises DefinitionError for files that cannot be
    imported, and NoTests for a role whose files hold no test.
    """
    tests = tests_to_run(workspace, decided)
    if not tests:
        return {}
    facts = ImageFacts("", "", (), tuple(one.role for one in tests))
    with held_folder() as folder:
        request = TestsRequest(image=facts, tests=tests, folder=folder, masks=values_of(workspace.masks))
        with parts_of(request) as parts:
            return {(part.level, role): count for part in parts for role, count in part.counts.items()}


def are_current(workspace: Workspace, environment: Environment, segment: Segment) -> bool:
    """Whether the workspace's files still hold the tests with which the segment was planned."""
    now = Collector(workspace, environment, datetime.now(UTC)).tests(segment.name, segment.stack, segment.below)
    return now == segment.tests


def facts_of(workspace: Workspace, segment: Segment, version: str) -> ImageFacts:
    """What the tests may ask of `image`."""
    return ImageFacts(
        name=segment.image.name,
        version=version,
        layers=tuple(layer.name for layer in segment.stack),
        roles=roles_of(workspace, segment),
        vars=_vars_of(workspace, segment.stack) | _vars_of(workspace, filter(_is_protected, segment.stack)),
        untested=untested_of(segment),
    )


def _vars_of(workspace: Workspace, layers: Iterable[PlannedLayer]) -> dict[str, dict[str, Any]]:
    """The variables of each role; of one that several layers apply those of the last."""
    return {role: layer.vars_of(role) for layer in layers for role in (layer.home or workspace).roles_of(layer.roles)}


def _is_protected(layer: PlannedLayer) -> bool:
    """Whether nobody above its level may say what tests of its roles are told."""
    declared = layer.home.layers.get(layer.name) if layer.home else None
    return declared is not None and declared.protected
