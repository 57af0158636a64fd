"""Where machines run: what an environment says of it, handed on as one value to builds and validations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.aws.capacity import Place

#: The one place of those that name none: what the variable file says, or else AWS.
ANYWHERE: tuple[Place, ...] = (("", ""),)


@dataclass(frozen=True)
class Placement:
    """Where a machine may run, and how it is met there."""

    #: (Instance type, subnet id) pairs, at least one, that are tried in turn when EC2 has no room.
    places: tuple[Place, ...] = ANYWHERE
    #: Empty: that of the subnets, else the default VPC.
    vpc_id: str = ""
    #: The name of the instance profile, whose role lets an agent speak to Systems Manager; empty: none.
    profile: str = ""
    #: By which address SSH finds it: a word of Packer's option of that name.
    ssh_interface: str = ""

    @property
    def subnets(self) -> tuple[str, ...]:
        """The subnets of all places; an empty id stands for a default subnet."""
        return tuple(subnet for _, subnet in self.places)
