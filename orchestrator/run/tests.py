"""Which tests prove an image: those of every role in its stack, and the hygiene tests of the seal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from orchestrator.definition.role_tests import TESTS
from orchestrator.masks import values_of
from orchestrator.plan.inputs import Collector
from orchestrator.plan.planned_layer import SEAL
from orchestrator.validate.request import ImageFacts, RoleTests, TestsRequest
from orchestrator.validate.suite.session import collect, laid_out

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import Segment
    from orchestrator.plan.steps import PlanStep


def tests_of(workspace: Workspace, *segments: Segment) -> tuple[RoleTests, ...]:
    """The tests of images in the order in which their roles are applied; each role once, with what it depends on."""
    roles = [role for segment in segments for layer in segment.stack for role in layer.roles]
    return tuple(
        RoleTests(role, workspace.find(f"roles/{role}") / TESTS) for role in workspace.roles_of([*roles, SEAL])
    )


def tests_to_run(workspace: Workspace, decided: Iterable[PlanStep]) -> tuple[RoleTests, ...]:
    """The tests that the steps of a plan run."""
    proven = [step.segment for step in decided if step.action.works and not step.segment.shared]
    return tests_of(workspace, *proven) if proven else ()


def collect_tests(workspace: Workspace, decided: Iterable[PlanStep]) -> int:
    """Let pytest collect the tests that the steps of a plan run: how many there are. It takes a second, and no machine.

    Each role's are collected once, however many images carry it. Raises DefinitionError for files that cannot be
    imported, and NoTests for a role whose files hold no test.
    """
    tests = tests_to_run(workspace, decided)
    if not tests:
        return 0
    facts = ImageFacts("", "", (), tuple(one.role for one in tests))
    with TemporaryDirectory(prefix="ami-collect-") as folder:
        request = TestsRequest(image=facts, tests=tests, folder=Path(folder), masks=values_of(workspace.masks))
        with laid_out(request) as suite:
            return collect(suite, request)


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
