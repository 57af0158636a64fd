"""EC2's GetImageAncestry: from an AMI to the root AMI (Amazon EC2 User Guide, "AMI ancestry")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import InvalidAMIIdError

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


#: Entries of a chain at most, and the owners at whose AMIs it ends ("How AMI ancestry works").
_MOST = 50
_VERIFIED = ("amazon", "aws-marketplace")


def answer(asked: Asked) -> dict[str, Any]:
    """One entry for each AMI of the chain, the one that was asked for first; those that are gone by now included.

    The chain ends at an AMI that was not made of another one, at one of a verified provider, and with its 50th.
    """
    image_id = str(asked.parameters["ImageId"])
    image = asked.ec2().image(image_id)
    if image is None:
        raise InvalidAMIIdError(image_id)
    entries: list[dict[str, Any]] = []
    while image is not None and len(entries) < _MOST:
        entries.append(
            {
                "CreationDate": image.creation_date,
                "ImageId": image.id,
                "ImageOwnerAlias": image.owner_alias,
                "SourceImageId": image.source_image_id,
                "SourceImageRegion": image.source_image_region,
            }
        )
        source = "" if image.owner_alias in _VERIFIED else image.source_image_region
        image = asked.ec2(source).ancestor(image.source_image_id) if source else None
    return {"ImageAncestryEntries": entries}
