"""EC2's ModifySnapshotAttribute: who may make volumes and copies of a snapshot (EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.owned_snapshot import check_share, owned_snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.asked import Asked

_MOST = 500


def answer(asked: Asked) -> dict[str, Any]:
    """Add or remove accounts, or everybody; not both at once. Raises AwsFault."""
    snapshot, given = owned_snapshot(asked), asked.parameters
    permission = given.get("CreateVolumePermission") or {}
    adds = bool(permission.get("Add")) or given.get("OperationType") == "add"
    if adds and (permission.get("Remove") or given.get("OperationType") == "remove"):
        raise AwsFault("InvalidParameterCombination", "Permissions are added or removed, not both at once.")
    changes = [*permission.get("Add" if adds else "Remove", []), *_listed(given)]
    if len(changes) > _MOST:
        raise AwsFault("InvalidParameterValue", f"At most {_MOST} modifications can be made at once.")
    users = {each["UserId"] for each in changes if "UserId" in each}
    groups = {each["Group"] for each in changes if "Group" in each}
    _check(users, groups)
    if adds:
        check_share(snapshot, public=bool(groups))
        snapshot.create_volume_permission_userids |= users
        snapshot.create_volume_permission_groups |= groups
    else:
        snapshot.create_volume_permission_userids -= users
        snapshot.create_volume_permission_groups -= groups
    return {}


def _listed(given: Mapping[str, Any]) -> list[dict[str, str]]:
    users = [{"UserId": each} for each in given.get("UserIds", [])]
    return users + [{"Group": each} for each in given.get("GroupNames", [])]


def _check(users: set[str], groups: set[str]) -> None:
    wrong = [each for each in users if len(each) != 12 or not each.isdigit()]  # noqa: PLR2004 - digits of an account
    if wrong or groups - {"all"}:
        value, item = (wrong[0], "userId") if wrong else ((groups - {"all"}).pop(), "UserGroup")
        raise AwsFault("InvalidAMIAttributeItemValue", f'Invalid attribute item value "{value}" for {item} item type.')
