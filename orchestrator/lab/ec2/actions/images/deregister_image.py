"""EC2's DeregisterImage: the AMI goes, and its snapshots too when asked (EC2 API Reference, "DeregisterImage")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.ec2.exceptions import InvalidAMIIdError, UnvailableAMIIdError

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.owned_image import owned
from orchestrator.lab.ec2.images.recycle_bin import IMAGE

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Deregister an AMI of the account.

    Raises AwsFault for one that is protected or somebody else's, and what moto raises for one that is not there.
    """
    tables, image_id = asked.ec2(), str(asked.parameters["ImageId"])
    if image_id in tables.deleted_amis:
        raise UnvailableAMIIdError(image_id)
    if tables.image(image_id) is None and image_id not in tables.amis:
        raise InvalidAMIIdError(image_id)
    image = owned(asked, states=())
    if image.protection.holds(utcnow()):
        what = f"The image '{image_id}' cannot be deregistered, because deregistration protection is on."
        raise AwsFault("OperationNotPermitted", what)
    wanted = bool(asked.parameters.get("DeleteAssociatedSnapshots"))
    if wanted and tables.bin.days(IMAGE, tables.tags.get(image_id, {})):
        what = "The lab does not delete the snapshots of an AMI that goes into the Recycle Bin."
        raise AwsFault("UnsupportedOperation", what)
    snapshots = [each.id for each in image.snapshots]
    tables.deregister_image(image_id)
    results = [_deleted(tables, each) for each in snapshots] if wanted else []
    return {"Return": True, **({"DeleteSnapshotResults": results} if results else {})}


def _deleted(tables: Any, snapshot_id: str) -> dict[str, str]:
    if tables.holders(snapshot_id):
        return {"SnapshotId": snapshot_id, "ReturnCode": "skipped"}
    tables.delete_snapshot(snapshot_id)
    return {"SnapshotId": snapshot_id, "ReturnCode": "success"}
