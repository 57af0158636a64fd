"""The network in which machines are launched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.errors import LackError
from orchestrator.run.doctor.doctor_check import DoctorCheck, asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.run.doctor.check_result import CheckResult


def _examine(_workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    ec2: Any = environment.account.client("ec2")
    subnets = dict.fromkeys(subnet for _, subnet in environment.places if subnet)
    for subnet in subnets:
        yield asked(f"subnet {subnet}", lambda subnet=subnet: _subnet(ec2, subnet))  # type: ignore[misc]
    if not subnets:
        yield asked("network", lambda: _default(ec2, environment.vpc_id), "aws ec2 create-default-vpc")


def _subnet(ec2: Any, subnet_id: str) -> str:
    (subnet,) = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"]
    where = f"{subnet['CidrBlock']} in {subnet['AvailabilityZone']}, {subnet['VpcId']}"
    if not subnet["AvailableIpAddressCount"]:
        raise LackError(f"{where} has no free address", hint="name another subnet in `other_subnet_ids`")
    public = "a public address" if subnet["MapPublicIpOnLaunch"] else "no public address"
    return f"{where}: {subnet['AvailableIpAddressCount']} free addresses, machines get {public}"


def _default(ec2: Any, vpc_id: str) -> str:
    """The VPC in which EC2 takes a subnet of its own choice: Packer, too, asks for none then."""
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        raise LackError("the region has no default VPC, and the environment names no subnet_id")
    vpc = vpcs[0]["VpcId"]
    if vpc_id not in ("", vpc):
        raise LackError(f"`vpc_id` is {vpc_id}, and the environment names no subnet of it", hint="set `subnet_id`")
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    if not any(subnet["DefaultForAz"] for subnet in subnets):
        hint = f"aws ec2 create-default-subnet --availability-zone {ec2.meta.region_name}a"
        raise LackError(f"the default VPC {vpc} has no default subnet", hint=hint)
    return f"default VPC {vpc}"


CHECK = DoctorCheck(50, "machines are launched in a subnet, and call Systems Manager from there", _examine)
