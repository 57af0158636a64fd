"""What EC2 is asked for to boot a machine for tests, and what its refusals mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.aws.account import error_code, refusal
from orchestrator.aws.capacity import FULL, named
from orchestrator.errors import LackError
from orchestrator.tags import Tag
from orchestrator.validate.errors import BootFailed
from orchestrator.validate.options import ConnectionKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_ec2.literals import ResourceTypeType
    from mypy_boto3_ec2.type_defs import CreateSecurityGroupRequestTypeDef, TagSpecificationTypeDef

    from orchestrator.aws.capacity import Place
    from orchestrator.errors import AmiError
    from orchestrator.validate.request import ValidateRequest

#: Refusals that another time mends (Amazon EC2 API Reference, "Error codes").
_LIMITED = frozenset(
    {"VcpuLimitExceeded", "InstanceLimitExceeded", "RequestLimitExceeded", "MaxSpotInstanceCountExceeded"}
)


def launch_request(
    request: ValidateRequest, group: str, place: Place, *, token: str, key_name: str = ""
) -> dict[str, Any]:
    """The parameters of RunInstances. `token` makes a repeated request harmless; without `key_name` there is no key."""
    instance_type, subnet_id = place
    wanted: dict[str, Any] = {
        "ImageId": request.ami_id,
        "InstanceType": instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": token,
        "SecurityGroupIds": [group],
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
        "TagSpecifications": [tagged(request, "instance"), tagged(request, "volume")],
    }
    # A machine that is not reached by Systems Manager may do without.
    if request.placement.profile or request.connection is ConnectionKind.SSM:
        wanted["IamInstanceProfile"] = {"Name": request.placement.profile}
    if key_name:
        wanted["KeyName"] = key_name
    if subnet_id:
        wanted["SubnetId"] = subnet_id
    return wanted


def security_group_request(request: ValidateRequest, vpc_id: str, number: int = 1) -> CreateSecurityGroupRequestTypeDef:
    """The parameters of CreateSecurityGroup for machine `number`: nothing comes in, everything may go out."""
    way_in = "SSH alone" if request.connection is ConnectionKind.SSH else "no way in"
    wanted: CreateSecurityGroupRequestTypeDef = {
        "GroupName": name_of(request, number),
        "Description": f"validation of {request.ami_id}: {way_in}",
        "TagSpecifications": [tagged(request, "security-group")],
    }
    if vpc_id:
        wanted["VpcId"] = vpc_id
    return wanted


def name_of(request: ValidateRequest, number: int) -> str:
    """What the things around machine `number` of a validation are called; nothing else has that name."""
    name = f"ami-validate-{request.image.name}-{request.run}-{request.ami_id}"
    return name if number == 1 else f"{name}-{number}"


def launch_refused(error: Exception, request: ValidateRequest, tried: Sequence[Place]) -> AmiError:
    """What EC2's refusal to launch means to a person. `tried` are the places that were asked for, the last refused."""
    code = error_code(error)
    region = request.account.region
    if code.startswith("InvalidAMIID"):
        return LackError(f"there is no AMI {request.ami_id} in {region}", hint="ami list shows what there is")
    if code in FULL:
        return BootFailed(
            f"no capacity for {', '.join(map(named, tried))} ({code})",
            hint="name `other_instance_types` or `other_subnet_ids` in the environment",
        )
    if code in _LIMITED:
        return BootFailed(f"the account's limit in {region} is reached ({code})", hint="wait, or ask AWS for more")
    return refusal(error) or BootFailed(f"{request.ami_id} could not be launched: {error}")


def tagged(request: ValidateRequest, kind: ResourceTypeType) -> TagSpecificationTypeDef:
    """The tags of something that a validation makes, as EC2 takes them when it is made."""
    tags: dict[str, str] = {
        Tag.DISPLAY_NAME: f"ami validate {request.image.name}",
        **request.tags,
        Tag.IMAGE: request.image.name,
        Tag.RUN: request.run,
        Tag.PURPOSE: "validate",
        **({Tag.KEEP: "true"} if request.keep else {}),
    }
    return {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}
