"""EC2's DisableAllowedImagesSettings: all AMIs are allowed; the criteria stay (EC2 User Guide, "Allowed AMIs")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.ec2.images.allowed import DISABLED

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Set the state."""
    asked.ec2().allowed.state = DISABLED
    return {"AllowedImagesSettingsState": DISABLED}
