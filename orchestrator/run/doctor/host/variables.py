"""Variables of this shell that builds do not get."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.build.launch import outside
from orchestrator.run.doctor.check_result import CheckResult
from orchestrator.run.doctor.doctor_check import DoctorCheck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace


def settings_of(environment: Environment) -> Iterator[CheckResult]:
    """Variables that are set in this shell and that a build does not get. Those of Ansible are nothing special."""
    left_out = [one for one in outside.kept_out(os.environ, environment.account) if not one.startswith("ANSIBLE_")]
    if left_out:
        yield CheckResult("variables", ok=True, said=f"set here, and not handed to builds: {', '.join(left_out)}")
    if elsewhere := outside.endpoints_without_effect(os.environ, environment.account):
        said = f"{', '.join(elsewhere)} does not count: '{environment.name}' names no endpoint, and so means AWS itself"
        yield CheckResult("endpoint", ok=True, said=said, mend=f"set `endpoint` in {environment.path}, or unset it")


def _examine(_workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    yield from settings_of(environment)


CHECK = DoctorCheck(40, "files decide what is built and where, not a shell (docs/environment-variables.md)", _examine)
