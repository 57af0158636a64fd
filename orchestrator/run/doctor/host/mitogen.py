"""Whether Ansible runs with Mitogen. Builds go on without it, so that a workspace that wants none is in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.build.ansible import mitogen
from orchestrator.run.doctor.check_result import CheckResult
from orchestrator.run.doctor.doctor_check import DoctorCheck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace


def _examine(workspace: Workspace, _environment: Environment) -> Iterator[CheckResult]:
    reason = mitogen.why_not(wanted=workspace.mitogen)
    if not reason:
        yield CheckResult("mitogen", ok=True, said=mitogen.installed())
        return
    in_order = reason == mitogen.UNWANTED
    mend = "" if in_order else "pip install --upgrade mitogen, or say in ami.yml: ansible: {mitogen: false}"
    yield CheckResult("mitogen", ok=in_order, said=f"Ansible runs without it: {reason}", mend=mend)


CHECK = DoctorCheck(60, "with it Ansible takes about a third of the time", _examine)
