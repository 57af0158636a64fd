"""The shipped workspace, copied so that tests may change it, and ways to plan it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.environment import Environment
from orchestrator.definition.levels.extended import BUILTIN_ROOT
from orchestrator.definition.workspace import load
from orchestrator.plan.inputs import Collector
from orchestrator.plan.tree import cut, tree

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import Segment
    from orchestrator.secret_values import Secrets

PROJECT = Path(__file__).parents[3]
#: The folders of the built-in workspace.
BUILTIN = ("packer", "playbooks", "roles")
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def copy_to(root: Path) -> Workspace:
    """The repository's workspace at another place. What it has of the built-in one is its own there, to be changed."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT / "ami.yml", root)
    for place in (PROJECT / "packer", PROJECT / "roles", *(BUILTIN_ROOT / name for name in BUILTIN)):
        shutil.copytree(place, root / place.name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    return load(root)


@dataclass(frozen=True)
class Planner:
    """Plans a workspace: `environment` and `now` may be replaced."""

    workspace: Workspace
    environment: Environment
    now: datetime = NOW
    source_ami: str = "ami-debian"

    def segments(
        self, names: Iterable[str] | None = None, standing: Collection[str] = (), secrets: Secrets | None = None
    ) -> tuple[Segment, ...]:
        """The segments of the named images, or of all."""
        collector = Collector(self.workspace, self.environment, self.now, secrets)
        amis = dict.fromkeys(self.workspace.sources, self.source_ami)
        return cut(tree(self.workspace, list(names or self.workspace.images), collector, amis), collector, standing)

    def fingerprints(self) -> dict[tuple[str, str], str]:
        """The fingerprint of each layer of each image, by (image, layer)."""
        return {
            (segment.name, inputs.layer): inputs.fingerprint
            for segment in self.segments()
            for inputs in segment.inputs.chain()
        }

    def tests(self) -> dict[str, str]:
        """The fingerprint of the tests of each image."""
        return {segment.name: segment.tests for segment in self.segments()}

    def at(self, now: datetime) -> Planner:
        return replace(self, now=now)


@pytest.fixture(scope="module")
def environment() -> Environment:
    return Environment(name="lab", path=Path("lab.pkrvars.hcl"), region="us-east-1")


@pytest.fixture
def copied() -> Callable[[Path], Workspace]:
    """Copies the shipped workspace to a folder."""
    return copy_to


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory, environment: Environment) -> Planner:
    """The shipped workspace. A test that changes it puts it back."""
    return Planner(copy_to(tmp_path_factory.mktemp("shipped")), environment)


@pytest.fixture
def written(tmp_path: Path, environment: Environment) -> Planner:
    """The shipped workspace, to write to."""
    return Planner(copy_to(tmp_path / "workspace"), environment)
