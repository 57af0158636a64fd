"""EC2's ResetImageAttribute: the AMI is shared with nobody any more (EC2 API Reference, "ResetImageAttribute")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.owned_image import owned

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Take all launch permissions away; that is the one attribute that can be reset. Raises AwsFault."""
    attribute = asked.parameters["Attribute"]
    if attribute != "launchPermission":
        raise AwsFault("InvalidParameterValue", f"Value ({attribute}) for parameter attribute is invalid.")
    owned(asked).launch_permissions = []
    return {}
