"""What a build needs of this machine and of the account, examined without changing anything."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.registration import modules_of
from orchestrator.run.doctor import account, host
from orchestrator.run.doctor.account.identity import CHECK as IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.run.doctor.check_result import CheckResult
    from orchestrator.run.doctor.doctor_check import DoctorCheck


def examine(workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    """Everything that a build in an environment needs, each result as soon as it is there.

    The account is asked for nothing more when it does not even say who asks.
    """
    for check in _checks(host):
        yield from _made(check, workspace, environment)
    known = True
    for check in _checks(account):
        if known or check is IDENTITY:
            results = list(_made(check, workspace, environment))
            yield from results
            known = known and (check is not IDENTITY or all(one.ok for one in results))


def _checks(room: ModuleType) -> list[DoctorCheck]:
    return sorted((module.CHECK for module in modules_of(room)), key=lambda check: check.order)


def _made(check: DoctorCheck, workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    for result in check.examine(workspace, environment):
        yield result if result.why else replace(result, why=check.why)
