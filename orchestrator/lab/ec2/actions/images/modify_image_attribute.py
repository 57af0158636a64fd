"""EC2's ModifyImageAttribute: with whom an AMI is shared, its description, or its IMDS version (EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.owned_image import owned
from orchestrator.lab.ec2.images.sharing import EVERYBODY, changed
from orchestrator.lab.kms.keys import key_named, managed_by_aws

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.lab.accounts.membership import Permission
    from orchestrator.lab.asked import Asked
    from orchestrator.lab.ec2.ami import LabAmi

_IMDS = "v2.0"
#: The parameters for each kind of permission, when the change is written with Attribute and OperationType.
_LISTS = {
    "UserIds": "UserId",
    "UserGroups": "Group",
    "OrganizationArns": "OrganizationArn",
    "OrganizationalUnitArns": "OrganizationalUnitArn",
}


def answer(asked: Asked) -> dict[str, Any]:
    """Change one attribute of an AMI of the account. What is disabled is not shared. Raises AwsFault."""
    given, attribute = asked.parameters, _attribute(asked.parameters)
    value = given.get("Value")
    match attribute:
        case "launchPermission":
            image = owned(asked, states=("available", "pending"))
            add, remove = _changes(given)
            _check_keys(image, add)
            image.launch_permissions = [dict(each) for each in changed(image.launch_permissions, add, remove)]
        case "description":
            owned(asked, states=()).description = given.get("Description", {}).get("Value", value) or ""
        case "imdsSupport":
            version = given.get("ImdsSupport", {}).get("Value", value)
            if version != _IMDS:
                raise AwsFault("InvalidParameterValue", f"Value ({version}) for parameter imdsSupport is invalid.")
            owned(asked).imds = _IMDS
    return {}


def _attribute(given: dict[str, Any]) -> str:
    """Which attribute a call changes: exactly one."""
    names = {"LaunchPermission": "launchPermission", "Description": "description", "ImdsSupport": "imdsSupport"}
    named = [attribute for parameter, attribute in names.items() if given.get(parameter) is not None]
    attribute = given.get("Attribute")
    if attribute and attribute not in names.values():
        raise AwsFault("InvalidParameterValue", f"Value ({attribute}) for parameter attribute is invalid.")
    chosen = set(named) | ({str(attribute)} if attribute else set())
    if not chosen and given.get("OperationType"):
        return "launchPermission"
    if len(chosen) != 1:
        raise AwsFault(
            "InvalidParameterCombination", "No attributes specified." if not chosen else "Only one attribute."
        )
    return chosen.pop()


def _changes(given: dict[str, Any]) -> tuple[list[Permission], list[Permission]]:
    permission = given.get("LaunchPermission") or {}
    add, remove = list(permission.get("Add", [])), list(permission.get("Remove", []))
    listed = [{kind: value} for parameter, kind in _LISTS.items() for value in given.get(parameter, [])]
    if listed and given.get("OperationType") not in ("add", "remove"):
        raise AwsFault("MissingParameter", "The request must contain the parameter operationType")
    (add if given.get("OperationType") == "add" else remove).extend(listed)
    return add, remove


def _check_keys(image: LabAmi, add: Sequence[Permission]) -> None:
    """Raise AwsFault for a share that its encryption forbids (EC2 User Guide, "Share an AMI", Encryption and keys)."""
    if not add or not any(snapshot.encrypted for snapshot in image.snapshots):
        return
    if EVERYBODY in add:
        raise AwsFault("InvalidParameter", "Images with encrypted snapshots cannot be made public.")
    for arn in image.keys:
        key = key_named(arn, image.owner_id, image.region)
        if ":alias/aws/" in arn or (key is not None and managed_by_aws(key)):
            what = "Snapshots encrypted with the AWS Managed CMK can't be shared. Specify another snapshot."
            raise AwsFault("InvalidParameter", what)
