"""What benches share: the lab, a copy of the shipped workspace with more workloads, and its build from nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.definition.workspace import load
from orchestrator.run.prepare import prepare
from orchestrator.run.tasks import tasks
from tests.bench.program import PROGRAMS, Command, Ended, environment, timed

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.definition.workspace import Workspace
    from orchestrator.run.schedule import Task
    from tests.bench.lab import Lab

REPOSITORY = Path(__file__).parents[2]
WORKLOADS = Path(__file__).parent / "workloads"
_LAB_FILE = "packer/environments/lab.pkrvars.hcl"


@dataclass(frozen=True)
class Build:
    """One `ami build` of all images in an empty account. Times in seconds.

    `tasks` is what the plan said beforehand. `machine_seconds` counts machines that validated, too.
    """

    wall: float
    machine_seconds: float
    summary: dict[str, Any]
    tasks: tuple[Task, ...]


@dataclass
class Setting:
    """Where benches run, and how often each side.

    `long_rounds` are for what takes many minutes. `folder` is a temporary one, `logs` one that stays. `builds` are
    those from nothing so far; the last one is what the account holds while it `stands`.
    """

    lab: Lab
    folder: Path
    logs: Path
    rounds: int
    long_rounds: int
    parallel: int
    tell: Callable[[str], None]
    builds: list[Build] = field(default_factory=list)
    stands: bool = False

    @property
    def workspace(self) -> Path:
        """The copy of the shipped workspace."""
        return self.folder / "workspace"

    def loaded(self) -> Workspace:
        """The definitions of the copy."""
        if not self.workspace.exists():
            copied_to(self.workspace, self.lab.endpoint)
        return load(self.workspace)

    def ami(self, *arguments: str, env: dict[str, str] | None = None, workspace: Path | None = None) -> Ended:
        """Time an `ami` command in the copy, or in another workspace."""
        argv = [str(PROGRAMS / "ami"), *arguments]
        self.loaded()
        named = [word for word in arguments[:2] if not word.startswith("-")]
        log = self.logs / "-".join(["ami", *named])
        return timed(Command(argv, workspace or self.workspace, log, env or environment()))

    def build_from_nothing(self) -> Build:
        """Build all images in an emptied account."""
        self.lab.empty()
        self.stands = False
        workspace = self.loaded()
        plan = prepare(workspace, workspace.environment(), list(workspace.images), parallel=self.parallel)
        before = self.lab.machines()
        ended = self.ami("build", "--yes", "--json", "--parallel", str(self.parallel))
        made = Build(
            wall=ended.seconds,
            machine_seconds=sum(seconds for name, seconds in self.lab.machines().items() if name not in before),
            summary=json.loads(ended.out),
            tasks=tasks(plan.steps, vcpus=plan.vcpus),
        )
        self.builds.append(made)
        self.stands = True
        return made


def copied_to(root: Path, endpoint: str) -> None:
    """Write the shipped workspace and the benches' own workloads to a folder, with a lab's endpoint."""
    root.mkdir(parents=True)
    shutil.copy(REPOSITORY / "ami.yml", root)
    for place, names in ((REPOSITORY, ("packer", "playbooks", "roles")), (WORKLOADS, ("packer", "roles"))):
        for name in names:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(place / name, root / name, ignore=ignored, dirs_exist_ok=True)
    variables = root / _LAB_FILE
    text = variables.read_text()
    shipped = "http://127.0.0.1:4999"
    if shipped not in text:
        raise AssertionError(f"{_LAB_FILE} no longer names {shipped}")
    variables.write_text(text.replace(shipped, endpoint))
