"""Whether the lab can make machines of arm64 on this host, where an image starts from a source of arm64."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.aws.account import is_loopback
from orchestrator.run.doctor.check_result import CheckResult
from orchestrator.run.doctor.doctor_check import DoctorCheck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace

#: The kernel knows arm64 programs, or `ami lab up --with` can tell it of them (binfmt.d(5)).
_KNOWN = (Path("/proc/sys/fs/binfmt_misc/qemu-aarch64"), Path("/usr/lib/binfmt.d/qemu-aarch64.conf"))


def _examine(workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    used = (workspace.sources.get(image.from_) for image in workspace.images.values())
    filters = [source.filter for source in used if source and source.filter]
    if is_loopback(environment.endpoint) and any(one.architecture == "arm64" for one in filters):
        ok = platform.machine() == "aarch64" or any(path.exists() for path in _KNOWN)
        said = "arm64 programs run here" if ok else "this host cannot run arm64 programs, as the lab's machines are"
        yield CheckResult("arm64", ok=ok, said=said, mend="" if ok else "apt-get install qemu-user-static")


CHECK = DoctorCheck(80, "an image starts from a source of arm64, and the lab's machines run on this host", _examine)
