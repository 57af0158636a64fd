"""EC2's DescribeSnapshots: an account's own, those that are shared with it, and public ones (EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import InvalidSnapshotIdError
from moto.ec2.utils import generic_filter

from orchestrator.lab.ec2.listing import part

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked
    from orchestrator.lab.ec2.ami import LabSnapshot


def answer(asked: Asked) -> dict[str, Any]:
    """One page. Raises what moto raises for ids that the account does not see."""
    tables, parameters = asked.ec2(), asked.parameters
    snapshots = tables._seen(list(tables.visible_snapshots()))  # noqa: SLF001 - what is too new for this call
    ids = parameters.get("SnapshotIds", [])
    if ids:
        snapshots = [each for each in snapshots if each.id in ids]
        if len(snapshots) < len(set(ids)):
            raise InvalidSnapshotIdError
    owners = {asked.account if owner == "self" else owner for owner in parameters.get("OwnerIds", [])}
    if owners:
        snapshots = [each for each in snapshots if each.owner_id in owners]
    users = {asked.account if user == "self" else user for user in parameters.get("RestorableByUserIds", [])}
    if users:
        snapshots = [each for each in snapshots if _restorable(each, users)]
    filters = asked.response._filters_from_querystring()  # noqa: SLF001 - as moto's filters take them
    found = generic_filter(filters, snapshots) if filters else snapshots
    shown, more = part(found, parameters)
    return {"Snapshots": shown, **more}


def _restorable(snapshot: LabSnapshot, users: set[str]) -> bool:
    named = snapshot.create_volume_permission_userids | {snapshot.owner_id} | snapshot.create_volume_permission_groups
    return bool(users & named)
