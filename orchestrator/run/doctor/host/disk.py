"""Room for a run's logs and for Packer's temporary files."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from orchestrator.run.doctor.check_result import CheckResult
from orchestrator.run.doctor.doctor_check import DoctorCheck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace

#: Bytes.
_ENOUGH = 2 * 1024**3


def _examine(workspace: Workspace, _environment: Environment) -> Iterator[CheckResult]:
    free = shutil.disk_usage(workspace.root).free
    said = f"{free / 1024**3:.0f} GiB free in {workspace.root}"
    yield CheckResult("disk", ok=free > _ENOUGH, said=said, mend="" if free > _ENOUGH else "ami runs --prune 30d")


CHECK = DoctorCheck(70, "a build that cannot write its logs fails", _examine)
