"""The program by which Packer reaches a machine through Systems Manager, where the environment wants that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.aws.session import PROGRAM
from orchestrator.build import session_manager
from orchestrator.errors import AmiError
from orchestrator.run.doctor.check_result import CheckResult
from orchestrator.run.doctor.doctor_check import DoctorCheck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace


def _examine(_workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    if not session_manager.is_used(environment.placement):
        return
    try:
        session_manager.check(environment.placement)
    except AmiError as error:
        yield CheckResult(PROGRAM, ok=False, said=error.message, mend=error.hint)
    else:
        yield CheckResult(PROGRAM, ok=True, said="Packer reaches machines through Systems Manager")


CHECK = DoctorCheck(30, "Packer starts it to reach a machine when ssh_interface is session_manager", _examine)
