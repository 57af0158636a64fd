"""Which tests prove an image: those of every role in its stack, and the hygiene tests of the seal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.plan.inputs import Collector
from orchestrator.plan.stack import SEAL
from orchestrator.validate.request import ImageFacts, RoleTests

if TYPE_CHECKING:
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import Segment


def tests_of(workspace: Workspace, *segments: Segment) -> tuple[RoleTests, ...]:
    """The tests of images in the order in which their roles are applied; each role once, with what it depends on."""
    roles = [role for segment in segments for layer in segment.stack for role in layer.roles]
    return tuple(
        RoleTests(role, workspace.find(f"roles/{role}") / "tests") for role in workspace.roles_of([*roles, SEAL])
    )


def are_current(workspace: Workspace, environment: Environment, segment: Segment) -> bool:
    """Whether the workspace's files still hold the tests with which the segment was planned."""
    now = Collector(workspace, environment, datetime.now(UTC)).tests(segment.image.name, segment.stack)
    return now == segment.tests


def facts_of(workspace: Workspace, segment: Segment, version: str) -> ImageFacts:
    """What the tests may ask of `image`."""
    tests = tests_of(workspace, segment)
    return ImageFacts(
        name=segment.image.name,
        version=version,
        layers=tuple(layer.name for layer in segment.stack),
        roles=tuple(one.role for one in tests),
        vars={role: dict(layer.vars) for layer in segment.stack for role in workspace.roles_of(layer.roles)},
    )
