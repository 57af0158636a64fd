"""Programs that every build needs besides Packer; those of the lab are examined by `ami lab up`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.process import PACKAGES, installed_with_us, run
from orchestrator.run.doctor.check_result import CheckResult
from orchestrator.run.doctor.doctor_check import DoctorCheck, asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace

_PROGRAMS = {
    "ansible-playbook": "it applies the roles of every layer",
    "git": "it tells which commit an image is built from, and fetches what a workspace extends",
}


def _examine(_workspace: Workspace, _environment: Environment) -> Iterator[CheckResult]:
    for name, why in _PROGRAMS.items():
        mend = f"apt-get install {PACKAGES[name]}" if name in PACKAGES else "pip install ansible-core"
        found = installed_with_us(name)
        if found is None:
            yield CheckResult(name, ok=False, said="not installed", mend=mend, why=why)
        else:
            yield asked(name, lambda argv=(found, "--version"): run(argv).out.splitlines()[0], mend)  # type: ignore[misc]


CHECK = DoctorCheck(50, "builds start it", _examine)
