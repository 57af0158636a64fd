"""Who may launch an AMI of somebody else, and who may read its snapshots (EC2 User Guide, "Shared AMI usage").

An AMI is shared with everybody, with accounts, with organisations or with organisational units; a snapshot with
everybody or with accounts. A permission is a dict as the EC2 API Reference has it ("LaunchPermission").
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.lab.accounts.membership import known
from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.lab.accounts.membership import Permission, Reader
    from orchestrator.lab.ec2.ami import LabAmi, LabSnapshot

#: How many accounts, organisations and OUs an AMI can be shared with (Amazon EC2 quotas, "AMI sharing").
MOST_ENTITIES = 1_000

EVERYBODY: Permission = {"Group": "all"}

_ORGANIZATION = re.compile(r"arn:aws[\w-]*:organizations::\d{12}:organization/o-[a-z0-9]{10,32}")
_UNIT = re.compile(r"arn:aws[\w-]*:organizations::\d{12}:ou/o-[a-z0-9]{10,32}/ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}")
_FORMS = {
    "UserId": re.compile(r"\d{12}"),
    "Group": re.compile("all"),
    "OrganizationArn": _ORGANIZATION,
    "OrganizationalUnitArn": _UNIT,
}


def changed(now: Sequence[Permission], add: Sequence[Permission], remove: Sequence[Permission]) -> list[Permission]:
    """The permissions after a change. Raises AwsFault for a permission of the wrong form, and for too many."""
    for permission in (*add, *remove):
        _check(permission)
    for permission in add:
        if not known(permission):
            (key, value), *_ = permission.items()
            raise AwsFault("InvalidParameterValue", f"Value ({value}) for parameter {key} is invalid.")
    kept = [each for each in now if each not in remove]
    result = kept + [each for number, each in enumerate(add) if each not in kept and each not in add[:number]]
    if sum(each != EVERYBODY for each in result) > MOST_ENTITIES:
        what = f"An AMI can be shared with at most {MOST_ENTITIES} accounts, organizations and organizational units."
        raise AwsFault("ResourceLimitExceeded", what)
    return result


def _check(permission: Permission) -> None:
    (key, value), *_ = permission.items()
    if not _FORMS[key].fullmatch(value):
        item = {"UserId": "userId", "Group": "UserGroup"}.get(key, key)
        raise AwsFault("InvalidAMIAttributeItemValue", f'Invalid attribute item value "{value}" for {item} item type.')


def launchable(image: LabAmi, who: Reader) -> bool:
    """Whether an account may launch an AMI, and sees it: its own, and those that are shared with it."""
    return image.owner_id == who.account or (image.state != "disabled" and who.may(image.launch_permissions))


def readable(snapshot: LabSnapshot, account: str) -> bool:
    """Whether an account may make volumes and copies of a snapshot."""
    return (
        snapshot.owner_id == account
        or account in snapshot.create_volume_permission_userids
        or "all" in snapshot.create_volume_permission_groups
    )
