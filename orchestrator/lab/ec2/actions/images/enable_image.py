"""EC2's EnableImage: a disabled AMI can be launched again (Amazon EC2 User Guide, "Disable an Amazon EC2 AMI")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.ec2.images.owned_image import owned

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Make a disabled AMI available; it stays private. Raises AwsFault as `owned` does."""
    owned(asked).state = "available"
    return {"Return": True}
