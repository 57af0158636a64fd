"""The locale in which programs are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.process import utf8_locale
from orchestrator.run.doctor.doctor_check import DoctorCheck, asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.run.doctor.check_result import CheckResult


def _examine(_workspace: Workspace, _environment: Environment) -> Iterator[CheckResult]:
    yield asked("locale", lambda: f"programs run in {utf8_locale()}")


CHECK = DoctorCheck(10, "Ansible works in a UTF-8 locale alone", _examine)
