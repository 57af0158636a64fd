"""EC2's EnableImageDeregistrationProtection (EC2 User Guide, "Protect an Amazon EC2 AMI from deregistration")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.ec2.images.owned_image import owned

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Protect an AMI, when asked also for 24 hours after that ends. Raises AwsFault as `owned` does."""
    image = owned(asked)
    image.protection = image.protection.enabled(cooldown=bool(asked.parameters.get("WithCooldown")))
    return {"Return": image.protection.value}
