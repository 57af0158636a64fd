"""What the account lets its caller do, asked by dry runs: EC2 checks the permission and does nothing.

A dry run of an action on a machine or an AMI needs one. Those here name one that does not exist. So when EC2 refuses,
the reason may be that it does not have the tags that a policy asks for (docs/iam/builder.json): that is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.aws.account import AwsError, error_code, told
from orchestrator.errors import AmiError
from orchestrator.run.doctor.check_result import CheckResult, unknown
from orchestrator.run.doctor.doctor_check import DENIED, DoctorCheck
from orchestrator.run.source import resolve
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace

#: EC2's answer when the call would have succeeded (Amazon EC2 API Reference, "Dry run").
_ALLOWED = "DryRunOperation"
#: Ids that nothing has.
_MACHINE, _AMI, _SNAPSHOT, _GROUP = (f"{kind}-{0:017x}" for kind in ("i", "ami", "snap", "sg"))
_MEND = "attach docs/iam/builder.json to whoever builds (docs/aws.md)"
_RUN = "doctor"


@dataclass(frozen=True)
class DryRun:
    """One action of EC2 as IAM names it, without the service, and parameters for it."""

    action: str
    parameters: Mapping[str, Any]
    #: It is asked of something that does not exist.
    on_nothing: bool = False

    @property
    def method(self) -> str:
        """The client's method: `run_instances`."""
        return "".join(f"_{char.lower()}" if char.isupper() else char for char in self.action).lstrip("_")


def dry_runs(environment: Environment, ami_id: str) -> Iterator[DryRun]:
    """What a build and its tests ask of EC2. Without an `ami_id` no machine is asked for."""
    for action in (
        "DescribeImages",
        "DescribeInstances",
        "DescribeInstanceTypes",
        "DescribeInstanceTypeOfferings",
        "DescribeKeyPairs",
        "DescribeSecurityGroups",
        "DescribeSnapshots",
        "DescribeSubnets",
        "DescribeVolumes",
        "DescribeVpcs",
    ):
        yield DryRun(action, {})
    name = f"ami-doctor-{environment.name}"
    vpc = {"VpcId": environment.vpc_id} if environment.vpc_id else {}
    yield DryRun("CreateKeyPair", {"KeyName": name, "TagSpecifications": [_tagged("key-pair")]})
    group = {"GroupName": name, "Description": name, "TagSpecifications": [_tagged("security-group")]}
    yield DryRun("CreateSecurityGroup", group | vpc)
    if ami_id:
        yield DryRun("RunInstances", _launch(environment, ami_id))
    yield DryRun("CreateImage", {"InstanceId": _MACHINE, "Name": name}, on_nothing=True)
    yield DryRun("CreateTags", {"Resources": [_AMI], "Tags": _TAGS}, on_nothing=True)
    yield DryRun("AuthorizeSecurityGroupIngress", {"GroupId": _GROUP, "IpPermissions": _SSH}, on_nothing=True)
    yield DryRun("StopInstances", {"InstanceIds": [_MACHINE]}, on_nothing=True)
    yield DryRun("TerminateInstances", {"InstanceIds": [_MACHINE]}, on_nothing=True)
    yield DryRun("DeregisterImage", {"ImageId": _AMI}, on_nothing=True)
    yield DryRun("DeleteSnapshot", {"SnapshotId": _SNAPSHOT}, on_nothing=True)
    yield DryRun("DeleteSecurityGroup", {"GroupId": _GROUP}, on_nothing=True)


_TAGS = [{"Key": str(Tag.RUN), "Value": _RUN}]
_SSH = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


def _tagged(kind: str) -> dict[str, Any]:
    return {"ResourceType": kind, "Tags": _TAGS}


def _launch(environment: Environment, ami_id: str) -> dict[str, Any]:
    """RunInstances as builds call it: with the tags, the subnet and the profile that a policy may ask for."""
    instance_type, subnet = environment.places[0]
    wanted: dict[str, Any] = {
        "ImageId": ami_id,
        "InstanceType": instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "TagSpecifications": [_tagged("instance"), _tagged("volume")],
    }
    if subnet:
        wanted["SubnetId"] = subnet
    if environment.iam_instance_profile:
        wanted["IamInstanceProfile"] = {"Name": environment.iam_instance_profile}
    return wanted


def _examine(workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    ec2: Any = environment.account.client("ec2")
    allowed, denied, untold = [], [], []
    for call in dry_runs(environment, _some_ami(workspace, environment)):
        code, words = _answer(ec2, call)
        if code == _ALLOWED:
            allowed.append(call.action)
        elif code in DENIED and not call.on_nothing:
            denied.append(f"{call.action} (iam:PassRole)" if "iam:PassRole" in words else call.action)
        else:
            reason = "depends on tags" if code in DENIED else words if not call.on_nothing else code
            untold.append(f"{call.action} ({reason})")
    if allowed:
        yield CheckResult("permissions allowed", ok=True, said=", ".join(allowed))
    if denied:
        yield CheckResult("permissions denied", ok=False, said=", ".join(denied), mend=_MEND)
    if untold:
        yield unknown("permissions unknown", f"dry runs do not tell {', '.join(untold)}")


def _answer(ec2: Any, call: DryRun) -> tuple[str, str]:
    """The code of EC2's answer to a dry run, and what it says."""
    try:
        getattr(ec2, call.method)(**call.parameters, DryRun=True)
    except AwsError as error:
        return error_code(error) or type(error).__name__, told(error)
    return "", "answered, although it was a dry run"


def _some_ami(workspace: Workspace, environment: Environment) -> str:
    """An AMI that a build would start from; empty when there is none, which another check says."""
    starts = {image.from_ for image in workspace.images.values()}
    for source in workspace.sources.values():
        if source.name in starts:
            try:
                return resolve(environment.account, source).ami_id
            except (AmiError, *AwsError):
                continue
    return ""


CHECK = DoctorCheck(90, "a build that may not do one of them fails there, after minutes", _examine)
