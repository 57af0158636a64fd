"""EC2's DisableImageDeprecation: the AMI is not deprecated any more (EC2 User Guide, "Deprecate an AMI")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.ec2.images.owned_image import owned

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Take the date away. Raises AwsFault as `owned` does."""
    owned(asked).deprecated_at = None
    return {"Return": True}
