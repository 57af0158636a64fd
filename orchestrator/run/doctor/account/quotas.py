"""How many vCPUs may run at once in the region, and how many do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.run.doctor.check_result import CheckResult, unknown
from orchestrator.run.doctor.doctor_check import DoctorCheck, asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace

#: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", in vCPUs (Amazon EC2 User Guide, "Amazon EC2
#: On-Demand Instance quotas").
_CODE, _FAMILIES = "L-1216C47A", "acdhimrtz"
#: Families whose names begin with such a letter, and that have a quota of their own.
_OTHERS = ("dl", "hpc", "inf", "trn", "mac")
_WHAT = "vCPU quota"


def is_standard(instance_type: str) -> bool:
    """Whether a type counts against the quota of standard instances: `t3.small` does, `g5.xlarge` does not."""
    return instance_type[0] in _FAMILIES and not instance_type.startswith(_OTHERS)


def compared(quota: int, used: int, wanted: int, promised: int = 0) -> CheckResult:
    """The vCPUs of a quota, of what runs, of one machine, and that the environment promises to builds."""
    said = f"{used} of {quota} vCPUs are in use; a build takes {wanted}"
    ask = f"aws service-quotas request-service-quota-increase --service-code ec2 --quota-code {_CODE} --desired-value N"
    if used + wanted > quota:
        return CheckResult(_WHAT, ok=False, said=said, mend=ask)
    if promised > quota:
        more = f"{said}; the environment's `vcpu_quota` is {promised}"
        return CheckResult(_WHAT, ok=False, said=more, mend=f"set `vcpu_quota` to {quota} or less, or: {ask}")
    return CheckResult(_WHAT, ok=True, said=said)


def _examine(_workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    wanted = environment.instance_type
    if not is_standard(wanted):
        yield unknown(_WHAT, f"{wanted} counts against the quota of its own family")
        return
    found: list[CheckResult] = []

    def look() -> str:
        quotas = environment.account.client("service-quotas")
        quota = int(quotas.get_service_quota(ServiceCode="ec2", QuotaCode=_CODE)["Quota"]["Value"])
        ec2: Any = environment.account.client("ec2")
        (facts,) = ec2.describe_instance_types(InstanceTypes=[wanted])["InstanceTypes"]
        found.append(compared(quota, _used(ec2), facts["VCpuInfo"]["DefaultVCpus"], environment.vcpu_quota))
        return found[0].said

    answer = asked(_WHAT, look, needed=False)
    yield found[0] if found else answer


def _used(ec2: Any) -> int:
    """The vCPUs of the on-demand machines of standard types that run."""
    running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    machines = (
        machine
        for page in ec2.get_paginator("describe_instances").paginate(Filters=running)
        for reservation in page["Reservations"]
        for machine in reservation["Instances"]
        if is_standard(machine["InstanceType"]) and not machine.get("InstanceLifecycle")
    )
    options = (machine.get("CpuOptions", {}) for machine in machines)
    return sum(each.get("CoreCount", 0) * each.get("ThreadsPerCore", 1) for each in options)


CHECK = DoctorCheck(80, "EC2 refuses to launch more (VcpuLimitExceeded)", _examine)
