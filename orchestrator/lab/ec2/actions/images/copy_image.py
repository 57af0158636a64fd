"""EC2's CopyImage: an AMI of a region and account in another one (EC2 API Reference, "CopyImage")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.copying import CopyRequest, copy_image
from orchestrator.lab.ec2.images.encryption import CopyEncryption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.asked import Asked

#: What the lab has none of.
_ELSEWHERE = ("DestinationOutpostArn", "DestinationAvailabilityZone", "DestinationAvailabilityZoneId")
#: A copy in time takes so many minutes, in steps (EBS User Guide, "Time-based copies").
_STEP, _LONGEST = 15, 2_880


def answer(asked: Asked) -> dict[str, Any]:
    """Begin a copy. Raises AwsFault."""
    given = asked.parameters
    for name in _ELSEWHERE:
        if given.get(name):
            raise AwsFault("UnsupportedOperation", f"The lab has no Outposts and no Local Zones: {name}")
    minutes = int(given.get("SnapshotCopyCompletionDurationMinutes") or _STEP)
    if minutes % _STEP or not _STEP <= minutes <= _LONGEST:
        what = f"Value ({minutes}) for parameter SnapshotCopyCompletionDurationMinutes is invalid."
        raise AwsFault("InvalidParameterValue", what)
    tags = tags_by_kind(given.get("TagSpecifications", []), ("image", "snapshot"))
    request = CopyRequest(
        source_id=str(given["SourceImageId"]),
        source_region=str(given["SourceRegion"]),
        name=str(given["Name"]),
        description=given.get("Description"),
        encryption=CopyEncryption(given.get("Encrypted"), given.get("KmsKeyId") or ""),
        copies_tags=bool(given.get("CopyImageTags")),
        image_tags=tags.get("image", ()),
        snapshot_tags=tags.get("snapshot", ()),
    )
    return {"ImageId": copy_image(asked.ec2(), request, given.get("ClientToken") or "").id}


def tags_by_kind(
    specifications: list[Mapping[str, Any]], kinds: tuple[str, ...]
) -> dict[str, tuple[tuple[str, str], ...]]:
    """The tags for each type of resource. Raises AwsFault for a type that the action does not make."""
    for each in specifications:
        if each["ResourceType"] not in kinds:
            what = f"'{each['ResourceType']}' is not a valid taggable resource type for this operation."
            raise AwsFault("InvalidParameterValue", what)
    return {
        each["ResourceType"]: tuple((tag["Key"], tag.get("Value", "")) for tag in each.get("Tags", []))
        for each in specifications
    }
