"""Whether a machine was lost: what EC2 and Systems Manager say of it once it cannot be tested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.aws.account import AwsError, error_code
from orchestrator.validate.errors import BootFailed, MachineLost
from orchestrator.validate.round import CallCount

if TYPE_CHECKING:
    from orchestrator.aws.account import Account
    from orchestrator.validate.errors import ValidationError
    from orchestrator.validate.machine.systems_manager import SystemsManager

#: How Systems Manager calls an agent that has not been heard of for minutes.
_SILENT = frozenset({"ConnectionLost", "Inactive"})


def described(ec2: Any, instance_id: str) -> dict[str, Any]:
    """The instance as EC2 shows it; empty while EC2 does not know it yet."""
    try:
        answer = ec2.describe_instances(InstanceIds=[instance_id])
    except AwsError as error:
        if error_code(error) != "InvalidInstanceID.NotFound":
            raise
        return {}
    return next((one for some in answer["Reservations"] for one in some["Instances"]), {})


def known(manager: SystemsManager, instance_id: str, tally: CallCount) -> dict[str, Any]:
    """The instance as Systems Manager shows it; empty while it does not know it. Raises Interrupted."""
    wanted = [{"Key": "InstanceIds", "Values": [instance_id]}]
    try:
        answer = manager.call("describe_instance_information", tally, Filters=wanted)
    except AwsError as error:
        if error_code(error) != "InvalidInstanceId":
            raise
        return {}
    return next((one for one in answer["InstanceInformationList"] if one["InstanceId"] == instance_id), {})


def ended(found: dict[str, Any], when: str) -> ValidationError:
    """What it means that an instance (as DescribeInstances shows it) is no longer running.

    Of the reasons of EC2 (Amazon EC2 API Reference, "StateReason") those that begin with `Client.` are the image's or
    the account's doing, except that somebody terminated the machine. An image that shuts itself down is a bad one.
    """
    reason = found.get("StateReason", {})
    code = str(reason.get("Code", ""))
    said = reason.get("Message") or found.get("StateTransitionReason") or "no reason given"
    blameless = code == "Client.UserInitiatedShutdown" or not code.startswith("Client.")
    kind = MachineLost if blameless else BootFailed
    return kind(f"{found['InstanceId']} is {found['State']['Name']} {when}: {said}")


def lost(account: Account, instance_id: str, manager: SystemsManager | None = None) -> MachineLost | None:
    """The loss of a machine whose tests could not be finished; None when it is there, or ended by itself.

    An agent that is silent counts only for a machine that is asked by a `manager`: others need not have one. Raises
    Interrupted.
    """
    try:
        found = described(account.client("ec2"), instance_id)
        if _has_ended(found):
            error = ended(found, "before its tests had ended")
            return error if isinstance(error, MachineLost) else None
        if manager is None:
            return None
        status = known(manager, instance_id, CallCount()).get("PingStatus")
    except AwsError:
        return None  # the error that led here tells more
    return MachineLost(f"the agent of {instance_id} is silent ({status})") if status in _SILENT else None


def is_gone(account: Account, instance_id: str) -> bool:
    """Whether a machine does not run any more, as EC2 says; False when EC2 cannot be asked.

    A silent agent does not count: it may come back, as may a machine that reboots.
    """
    try:
        found = described(account.client("ec2"), instance_id)
    except AwsError:
        return False
    return _has_ended(found)


def _has_ended(found: dict[str, Any]) -> bool:
    """Whether an instance, as `described` gives it, is known and on its way out, or out."""
    return bool(found) and found["State"]["Name"] not in {"pending", "running"}
