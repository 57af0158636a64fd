"""Who asks, and whether the account answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.aws.account import mend_of
from orchestrator.run.doctor.doctor_check import DoctorCheck, asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.run.doctor.check_result import CheckResult


def _examine(_workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    def identity() -> str:
        caller = environment.account.client("sts").get_caller_identity()
        return f"{caller['Account']} as {caller['Arn']} in {environment.region}"

    yield asked("account", identity, mend_of(environment.endpoint))


CHECK = DoctorCheck(20, "the factory keeps everything in the account: without credentials it knows nothing", _examine)
