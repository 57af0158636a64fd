"""EC2's DisableImage: nobody launches the AMI any more (Amazon EC2 User Guide, "Disable an Amazon EC2 AMI")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.ec2.images.owned_image import owned

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Disable an AMI, and take its launch permissions away for good. Raises AwsFault as `owned` does."""
    image = owned(asked)
    image.state = "disabled"
    image.launch_permissions = []
    return {"Return": True}
