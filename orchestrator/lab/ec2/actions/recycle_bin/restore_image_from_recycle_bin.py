"""EC2's RestoreImageFromRecycleBin: a deregistered AMI is there again (EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import InvalidAMIIdError

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Restore an AMI with its attributes and tags. Raises what moto raises for one that is not in the bin."""
    tables, image_id = asked.ec2(), str(asked.parameters["ImageId"])
    binned = tables.bin.images.pop(image_id, None)
    if binned is None:
        raise InvalidAMIIdError(image_id)
    tables.amis[image_id] = binned.resource
    if image_id in tables.deleted_amis:
        tables.deleted_amis.remove(image_id)
    return {"Return": True}
