"""The artifact bucket: without one builds work, and are not exclusive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.run.doctor.check_result import CheckResult
from orchestrator.run.doctor.doctor_check import DoctorCheck, asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace


def _examine(_workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    name = environment.artifact_bucket
    if not name:
        said = "the environment names none: builds are not exclusive, and reports stay on this disk"
        yield CheckResult("artifact bucket", ok=True, said=said)
        return

    def look() -> str:
        environment.account.client("s3").head_bucket(Bucket=name)
        return "builders agree there on who builds what; evidence of runs is kept there"

    yield asked(f"artifact bucket {name}", look, f"aws s3 mb s3://{name}")


CHECK = DoctorCheck(60, "without one, two runs may build the same image twice", _examine)
