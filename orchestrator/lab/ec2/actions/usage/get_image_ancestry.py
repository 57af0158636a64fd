"""EC2's GetImageAncestry: from an AMI to the root AMI (Amazon EC2 User Guide, "AMI ancestry")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import InvalidAMIIdError

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """One entry for each AMI of the chain, the one that was asked for first.

    The chain ends at an AMI that was not made of another one, and at one that is no longer there: its id is known, and
    what it was made of is not.
    """
    region, image_id = asked.region, str(asked.parameters["ImageId"])
    image = asked.ec2(region).image(image_id)
    if image is None:
        raise InvalidAMIIdError(image_id)
    entries = []
    while image is not None:
        entries.append(
            {
                "CreationDate": image.creation_date,
                "ImageId": image.id,
                "ImageOwnerAlias": image.owner_alias,
                "SourceImageId": image.source_image_id,
                "SourceImageRegion": image.source_image_region,
            }
        )
        source = image.source_image_region
        image = asked.ec2(source).image(image.source_image_id) if source else None
    return {"ImageAncestryEntries": entries}
