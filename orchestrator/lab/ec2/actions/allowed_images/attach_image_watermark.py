"""EC2's AttachImageWatermark: marks an AMI and what is made of it later (EC2 API Reference)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.ami import Watermark
from orchestrator.lab.ec2.images.owned_image import owned

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked

_NAME = re.compile(r"[A-Za-z0-9()\[\] ./\-'@_]{3,128}")
#: How many an AMI can have (EC2 User Guide, "AMI watermarks").
_MOST = 5


def answer(asked: Asked) -> dict[str, Any]:
    """Attach one to an AMI of the account that is not public. Raises AwsFault."""
    image, name = owned(asked), str(asked.parameters["WatermarkName"])
    if not _NAME.fullmatch(name):
        raise AwsFault("InvalidParameterValue", f"Value ({name}) for parameter WatermarkName is invalid.")
    if image.is_public:
        raise AwsFault("InvalidParameterValue", "Watermarks cannot be added to public AMIs.")
    key = f"{asked.account}:{name}"
    if key not in {mark.key for mark in image.watermarks}:
        if len(image.watermarks) >= _MOST:
            raise AwsFault("ResourceLimitExceeded", f"An AMI can have at most {_MOST} watermarks.")
        image.watermarks += (Watermark(key, asked.region, image.id, image.creation_date, utcnow()),)
    return {"WatermarkKey": key}
