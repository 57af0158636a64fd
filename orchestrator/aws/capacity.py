"""Where a machine may run, and what EC2 says when it has no room there."""

from __future__ import annotations

import re

#: An instance type and a subnet's id. An empty string means what the environment's file, or else AWS, says by default.
Place = tuple[str, str]

_NO_ADDRESS = "InsufficientFreeAddressesInSubnet"
#: Refusals that another type or another subnet mends (Amazon EC2 API Reference, "Error codes").
FULL = frozenset(
    {"InsufficientInstanceCapacity", "InsufficientHostCapacity", "InsufficientCapacity", "Unsupported", _NO_ADDRESS}
)
#: What CreateFleet says when it has no spot capacity; Packer passes on its messages, and not its codes.
_NO_SPOT = re.compile(
    r"no Spot capacity available|Spot request price of \S+ is lower than|UnfulfillableCapacity|SpotMaxPriceTooLow"
    r"|Max spot instance count exceeded|MaxSpotInstanceCountExceeded|do not have sufficient \S+ capacity"
)
_FULL_IN = re.compile(r"(?<![.\w])(?:Server\.)?(" + "|".join(sorted(FULL)) + r")(?=:|$)")


def full_code(text: str) -> str:
    """The code that says that a place is full, alone or as `CODE: what it means` in a message; else an empty string."""
    found = _FULL_IN.search(text)
    if found:
        return found.group(1)
    return "InsufficientInstanceCapacity" if _NO_SPOT.search(text) else ""


def remaining(places: tuple[Place, ...], code: str) -> tuple[Place, ...]:
    """The places that are worth a try after the first of them refused with `code`.

    A subnet without a free address has none for another type either.
    """
    (_, subnet), *others = places
    return tuple(place for place in others if code != _NO_ADDRESS or place[1] != subnet)


def named(place: Place) -> str:
    """A place for people: `t3.small in subnet-1`."""
    instance_type, subnet = place
    return (instance_type or "machine") + (f" in {subnet}" if subnet else "")
