"""What EC2 is asked for to boot a machine for tests, and what its refusals mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.aws import error_code, refusal
from orchestrator.errors import LackError
from orchestrator.validate.errors import BootFailed

if TYPE_CHECKING:
    from orchestrator.errors import AmiError
    from orchestrator.validate.request import ValidateRequest

#: Refusals that another place or time mends (Amazon EC2 API Reference, "Error codes").
_FULL = frozenset({"InsufficientInstanceCapacity", "InsufficientHostCapacity", "Unsupported"})
_LIMITED = frozenset(
    {"VcpuLimitExceeded", "InstanceLimitExceeded", "RequestLimitExceeded", "MaxSpotInstanceCountExceeded"}
)


def launch_request(request: ValidateRequest, group: str, *, token: str) -> dict[str, Any]:
    """The parameters of RunInstances. `token` makes a repeated request harmless."""
    wanted: dict[str, Any] = {
        "ImageId": request.ami_id,
        "InstanceType": request.instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": token,
        "SecurityGroupIds": [group],
        "IamInstanceProfile": {"Name": request.iam_instance_profile},
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
        "TagSpecifications": [_tagged(request, "instance"), _tagged(request, "volume")],
    }
    if request.subnet_id:
        wanted["SubnetId"] = request.subnet_id
    return wanted


def security_group_request(request: ValidateRequest, vpc_id: str) -> dict[str, Any]:
    """The parameters of CreateSecurityGroup: nothing comes in, everything may go out."""
    wanted: dict[str, Any] = {
        "GroupName": f"ami-validate-{request.image.name}-{request.run}-{request.ami_id}",
        "Description": f"validation of {request.ami_id}: no way in",
        "TagSpecifications": [_tagged(request, "security-group")],
    }
    return wanted | ({"VpcId": vpc_id} if vpc_id else {})


def launch_refused(error: Exception, request: ValidateRequest) -> AmiError:
    """What EC2's refusal to launch means to a person."""
    code = error_code(error)
    region = request.account.region
    if code.startswith("InvalidAMIID"):
        return LackError(f"there is no AMI {request.ami_id} in {region}", hint="ami list shows what there is")
    if code in _FULL:
        return BootFailed(
            f"EC2 has no {request.instance_type} to give there now ({code})",
            hint="set another `instance_type` or `subnet_id` in the environment",
        )
    if code in _LIMITED:
        return BootFailed(f"the account's limit in {region} is reached ({code})", hint="wait, or ask AWS for more")
    return refusal(error) or BootFailed(f"{request.ami_id} could not be launched: {error}")


def _tagged(request: ValidateRequest, kind: str) -> dict[str, Any]:
    tags = {
        "Name": f"ami validate {request.image.name}",
        **request.tags,
        "ami:image": request.image.name,
        "ami:run": request.run,
        "ami:purpose": "validate",
        **({"ami:keep": "true"} if request.keep else {}),
    }
    return {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}
