"""Systems Manager, by which tests reach machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.run.doctor.doctor_check import DoctorCheck, asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.run.doctor.check_result import CheckResult

#: The fewest that one page may have (Systems Manager API Reference, DescribeInstanceInformation: `MaxResults`).
_PAGE = 5


def _examine(_workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    def look() -> str:
        environment.account.client("ssm").describe_instance_information(MaxResults=_PAGE)
        return f"it answers in {environment.region}"

    yield asked("Systems Manager", look)


CHECK = DoctorCheck(45, "tests wait for a machine's agent there, and run their commands through it", _examine)
