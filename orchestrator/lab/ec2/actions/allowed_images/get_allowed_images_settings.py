"""EC2's GetAllowedImagesSettings (EC2 User Guide, "Allowed AMIs")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """The state and the criteria of the account in the region; no declarative policy sets them in the lab."""
    allowed = asked.ec2().allowed
    return {
        "State": allowed.state,
        "ImageCriteria": [dict(criterion) for criterion in allowed.criteria],
        "ManagedBy": "account",
    }
