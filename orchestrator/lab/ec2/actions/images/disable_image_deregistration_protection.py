"""EC2's DisableImageDeregistrationProtection (EC2 User Guide, "Protect an Amazon EC2 AMI from deregistration")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow

from orchestrator.lab.ec2.images.owned_image import owned

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """End the protection; a cool-down begins now. Raises AwsFault as `owned` does."""
    image = owned(asked)
    image.protection = image.protection.disabled(utcnow())
    return {"Return": image.protection.value}
