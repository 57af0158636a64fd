"""The AMI that a call wants to change, when it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from moto.ec2.exceptions import InvalidAMIIdError

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from collections.abc import Collection

    from orchestrator.lab.asked import Asked
    from orchestrator.lab.ec2.ami import LabAmi


def owned(asked: Asked, states: Collection[str] = ("available", "disabled")) -> LabAmi:
    """The AMI that the call names, in one of these states (any, when there are none).

    Raises AwsFault for an AMI of somebody else and for one in another state (EC2 API Reference, "Error codes":
    AuthFailure, InvalidAMIID.Unavailable), and what moto raises for one that the account does not see.
    """
    image_id = str(asked.parameters["ImageId"])
    tables = asked.ec2()
    image = tables.amis.get(image_id) or tables.image(image_id)
    if image is None:
        raise InvalidAMIIdError(image_id)
    if image.owner_id != asked.account:
        raise AwsFault("AuthFailure", f"Not authorized for image:{image_id}", 403)
    if states and image.state not in states:
        raise AwsFault("InvalidAMIID.Unavailable", f"The image ID '{image_id}' is not available")
    return cast("LabAmi", image)
