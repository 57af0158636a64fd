"""The AMIs that stacks start from, and the agent in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.build import session_manager
from orchestrator.definition.known_owners import agentless
from orchestrator.run.doctor.check_result import CheckResult
from orchestrator.run.doctor.doctor_check import DoctorCheck, asked
from orchestrator.run.source import SourceAmi, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.source import Source
    from orchestrator.definition.workspace import Workspace


def _examine(workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    for source in workspace.sources.values():
        what = f"source {source.name}"
        images = [image for image in workspace.images.values() if image.from_ == source.name]
        if not images:
            yield CheckResult(what, ok=True, said="no image starts from it")
            continue
        found: list[SourceAmi] = []

        def look(source: Source = source, found: list[SourceAmi] = found) -> str:
            found.append(resolve(environment.account, source))
            return f"{found[0].ami_id} {found[0].name}"

        yield asked(what, look)
        brings = all(image.machine.user_data for image in images)
        if found and session_manager.is_used(environment.placement) and not brings:
            yield agent_in(source, found[0])


def agent_in(source: Source, ami: SourceAmi) -> CheckResult:
    """Whether Session Manager reaches a machine that is built on this AMI of a source."""
    what, system = f"agent in {source.name}", agentless(source, ami.owner)
    if source.bootstrap_agent:
        return CheckResult(what, ok=True, said="machines install it at their first boot (bootstrap_agent)")
    if not system:
        return CheckResult(what, ok=True, said=f"not known to lack it (owner {ami.owner})")
    return CheckResult(
        what,
        ok=False,
        said=f"AMIs of {system} have none",
        mend=f"add 'bootstrap_agent: true' to the source {source.name} in ami.yml",
        why="Session Manager reaches a machine through its SSM agent: Packer would wait in vain",
    )


CHECK = DoctorCheck(30, "a build starts from the newest AMI that a source names", _examine)
