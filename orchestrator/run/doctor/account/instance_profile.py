"""The instance profile of machines, and whether Systems Manager may reach them by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.run.doctor.check_result import CheckResult, unknown
from orchestrator.run.doctor.doctor_check import DoctorCheck, asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace

#: The policy that lets an agent register, and the older one that does, too (AWS Systems Manager User Guide, "Configure
#: instance permissions required for Systems Manager").
_POLICIES = ("AmazonSSMManagedInstanceCore", "AmazonEC2RoleforSSM")
_WHY = "an agent registers with the permissions of its machine's profile; without it no test reaches a machine"


def _examine(_workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    name = environment.iam_instance_profile
    if not name:
        mend = f"set iam_instance_profile in {environment.path}"
        yield CheckResult("instance profile", ok=False, said="the environment names none; SSM needs it", mend=mend)
        return
    iam: Any = environment.account.client("iam")
    found: list[Any] = []

    def look() -> str:
        found.append(iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"])
        return f"{name}: {found[0]['Arn']}"

    make = f"aws iam create-instance-profile --instance-profile-name {name}"
    yield asked("instance profile", look, make, needed=False)
    if found and not found[0]["Roles"]:
        mend = f"aws iam add-role-to-instance-profile --instance-profile-name {name} --role-name ROLE"
        yield CheckResult("profile's role", ok=False, said=f"{name} has no role", mend=mend)
    for role in found[0]["Roles"] if found else ():
        yield _policies(iam, role["RoleName"], found[0]["Arn"].split(":")[1])


def _policies(iam: Any, role: str, partition: str) -> CheckResult:
    result: list[CheckResult] = []
    what = "profile's policies"
    mend = f"aws iam attach-role-policy --role-name {role} --policy-arn arn:{partition}:iam::aws:policy/{_POLICIES[0]}"

    def look() -> str:
        pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
        attached = [one["PolicyName"] for page in pages for one in page["AttachedPolicies"]]
        if known := [name for name in _POLICIES if name in attached]:
            return f"role {role} has {known[0]}"
        inline = iam.list_role_policies(RoleName=role)["PolicyNames"]
        others = ", ".join([*attached, *inline])
        said = f"role {role} lacks {_POLICIES[0]}"
        result.append(
            unknown(what, f"{said}; {others} may allow the same (docs/iam/instance-profile.json)", mend)
            if others
            else CheckResult(what, ok=False, said=said, mend=mend)
        )
        return said

    answer = asked(what, look, needed=False)
    return result[0] if result else answer


CHECK = DoctorCheck(40, _WHY, _examine)
