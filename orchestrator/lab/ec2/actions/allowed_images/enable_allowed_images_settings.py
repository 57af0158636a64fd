"""EC2's EnableAllowedImagesSettings: the criteria count, or are tried (EC2 User Guide, "Allowed AMIs")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.allowed import AUDIT, ENABLED

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Set the state. Raises AwsFault for one that there is not."""
    state = str(asked.parameters["AllowedImagesSettingsState"])
    if state not in (AUDIT, ENABLED):
        what = f"Value ({state}) for parameter AllowedImagesSettingsState is invalid."
        raise AwsFault("InvalidParameterValue", what)
    asked.ec2().allowed.state = state
    return {"AllowedImagesSettingsState": state}
