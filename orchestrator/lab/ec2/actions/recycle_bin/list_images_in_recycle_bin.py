"""EC2's ListImagesInRecycleBin (EC2 API Reference; EBS User Guide, "Recycle Bin")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.listing import part

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked

#: Ids of one call.
_MOST = 20


def answer(asked: Asked) -> dict[str, Any]:
    """One page of the AMIs in the bin, of those that are named when any is. Raises AwsFault for more than 20 ids."""
    ids = asked.parameters.get("ImageIds", [])
    if len(ids) > _MOST:
        raise AwsFault("InvalidParameterValue", f"At most {_MOST} image ids can be given.")
    binned = [each for key, each in asked.ec2().bin.images.items() if not ids or key in ids]
    shown, more = part(binned, asked.parameters)
    return {
        "Images": [
            {
                "ImageId": each.resource.id,
                "Name": each.resource.name,
                "Description": each.resource.description,
                "RecycleBinEnterTime": each.entered,
                "RecycleBinExitTime": each.exits,
            }
            for each in shown
        ],
        **more,
    }
