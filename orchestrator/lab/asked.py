"""What the function of an action of the lab's own gets to answer from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.lab.tables import Tables


@dataclass(frozen=True)
class Asked:
    """One call: its action, who calls from where, its parameters as botocore names them, and the lab's tables."""

    action: str
    account: str
    region: str
    parameters: dict[str, Any]
    tables: Tables
    response: Any
    """moto's object for this call: what it would have answered with."""

    def ec2(self, region: str = "", account: str = "") -> Any:
        """EC2's tables of a region and an account; those of the call when they are not named."""
        return self.tables.backend(region or self.region, account or self.account)
