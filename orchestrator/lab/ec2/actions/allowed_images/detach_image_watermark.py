"""EC2's DetachImageWatermark: the AMI loses a mark, what was made of it does not (EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.ec2.images.owned_image import owned

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Detach one; one that is not there is no error. Raises AwsFault as `owned` does."""
    image, key = owned(asked), str(asked.parameters["WatermarkKey"])
    image.watermarks = tuple(mark for mark in image.watermarks if mark.key != key)
    return {"Return": True}
