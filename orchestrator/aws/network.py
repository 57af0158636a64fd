"""The network around a machine: the one VPC of its possible subnets, and a security group of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError, error_code
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import CreateSecurityGroupRequestTypeDef, FilterTypeDef


def vpc_of(ec2: EC2Client, subnets: Iterable[str], vpc_id: str = "") -> str:
    """The VPC of all these subnets; `vpc_id` when there are none. Empty means the account's default VPC.

    Raises LackError when they lie in several, or in another than `vpc_id`: a security group belongs to one VPC.
    """
    wanted = sorted({subnet for subnet in subnets if subnet})
    if not wanted:
        return vpc_id
    found = {one["SubnetId"]: str(one["VpcId"]) for one in ec2.describe_subnets(SubnetIds=wanted)["Subnets"]}
    vpcs = set(found.values()) | ({vpc_id} if vpc_id else set())
    if len(vpcs) > 1:
        said = [f"{subnet} in {vpc}" for subnet, vpc in sorted(found.items())]
        said += [f"and `vpc_id` is {vpc_id}"] if vpc_id else []
        raise LackError(
            f"the environment's subnets are not all of one VPC: {', '.join(said)}",
            hint="name subnets of one VPC in `subnet_id` and `other_subnet_ids`",
        )
    return vpcs.pop()


def security_group(ec2: EC2Client, wanted: CreateSecurityGroupRequestTypeDef) -> str:
    """Make a security group whose name nobody else uses. Returns its id.

    One that is there already was made by an earlier try of the same call whose answer was lost.
    """
    try:
        return str(ec2.create_security_group(**wanted)["GroupId"])
    except AwsError as error:
        if error_code(error) != "InvalidGroup.Duplicate":
            raise
    filters: list[FilterTypeDef] = [{"Name": "group-name", "Values": [wanted["GroupName"]]}]
    if wanted.get("VpcId"):
        filters.append({"Name": "vpc-id", "Values": [wanted["VpcId"]]})
    return str(ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"])
