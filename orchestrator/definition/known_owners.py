"""Accounts that publish the AMIs most stacks start from, and what is known of those AMIs (docs/aws.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.definition.source import Source


@dataclass(frozen=True)
class KnownOwner:
    """One publisher: its system, the user that its AMIs let in by key, and whether they have the SSM agent.

    Of the agent: AWS Systems Manager User Guide, "Find AMIs with the SSM Agent preinstalled".
    """

    system: str
    user: str
    agent: bool


#: By account id.
OWNERS = {
    "136693071363": KnownOwner("Debian", "admin", agent=False),
    "099720109477": KnownOwner("Ubuntu", "ubuntu", agent=True),
    "137112412989": KnownOwner("Amazon Linux", "ec2-user", agent=True),
    "309956199498": KnownOwner("RHEL", "ec2-user", agent=False),
    "013907871322": KnownOwner("SLES", "ec2-user", agent=True),
    "792107900819": KnownOwner("Rocky Linux", "rocky", agent=False),
    "764336703387": KnownOwner("AlmaLinux", "ec2-user", agent=False),
}
#: Amazon Linux has images without the agent, too ("AL2023 minimal AMIs", Amazon Linux 2023 User Guide).
_AMAZON, _MINIMAL = "137112412989", "minimal"


def agentless(source: Source, owner: str = "") -> str:
    """Whose AMI a source is when it is known to have no SSM agent: `Debian`; empty when it has one, or nobody knows.

    `owner` is the account id of the AMI, for a source that does not name it.
    """
    wanted = source.filter
    known = OWNERS.get(owner or (wanted.owner if wanted else ""))
    minimal = wanted is not None and _MINIMAL in wanted.name
    return known.system if known and (not known.agent or (minimal and known is OWNERS[_AMAZON])) else ""
