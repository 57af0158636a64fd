"""EC2's CancelImageLaunchPermission: an account no longer wants an AMI that is shared with it (EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import InvalidAMIIdError

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Take the caller's account from the launch permissions.

    Raises AwsFault for an AMI that is not shared with the account itself (but with everybody, an OU, an organisation),
    and what moto raises for one that it does not see.
    """
    image_id, mine = str(asked.parameters["ImageId"]), {"UserId": asked.account}
    image = asked.ec2().image(image_id)
    if image is None:
        raise InvalidAMIIdError(image_id)
    if mine not in image.launch_permissions:
        raise AwsFault("AuthFailure", f"Not authorized for image:{image_id}", 403)
    image.launch_permissions.remove(mine)
    return {"Return": True}
