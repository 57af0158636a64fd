"""The AMI that a call wants to change, when it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import InvalidAMIIdError

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def owned(asked: Asked) -> Any:
    """The AMI that the call names, available or disabled.

    Raises AwsFault for an AMI of somebody else and for one that is still being made (EC2 API Reference, "Error codes":
    AuthFailure, InvalidAMIID.Unavailable), and what moto raises for one that is not there.
    """
    image_id = str(asked.parameters["ImageId"])
    image = asked.ec2(asked.region).amis.get(image_id)
    if image is None:
        raise InvalidAMIIdError(image_id)
    if image.owner_id != asked.account:
        raise AwsFault("AuthFailure", f"Not authorized for image:{image_id}", 403)
    if image.state not in ("available", "disabled"):
        raise AwsFault("InvalidAMIID.Unavailable", f"The image ID '{image_id}' is not available")
    return image
