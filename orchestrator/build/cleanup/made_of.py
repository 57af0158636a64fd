"""What tells that an AMI or a snapshot was made of a build, and was not finished. Pure.

Tags tell it first. Packer's amazon plugin up to 1.0.1 sets none before the AMI is available: then the AMI has the name
that was planned, or, when it is to be encrypted, a random one; and EC2 describes each snapshot by what it was made of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RUN, PURPOSE, STATE = Tag.RUN, Tag.PURPOSE, Tag.STATE
#: Names the AMI that is being made, on everything that a build makes on its way.
NAME = Tag.AMI_NAME
#: `PURPOSE` of what a build makes on its way.
BUILD = "build"

#: How Packer calls an AMI that it copies at once, to encrypt it, and then removes (`random.AlphaNum(7)` in its source).
_RANDOM = re.compile(r"[A-Za-z0-9]{7}")
#: Descriptions of snapshots, as EC2 writes them.
_CREATED = re.compile(r"Created by CreateImage\((i-[0-9a-f]+)\) for (ami-[0-9a-f]+)")
_COPIED = re.compile(r"Copied for DestinationAmi (ami-[0-9a-f]+)")


@dataclass(frozen=True)
class Origin:
    """What a snapshot was made of and for; empty when EC2 does not tell."""

    instance: str = ""
    image: str = ""


def origin_of(description: str) -> Origin:
    """The origin that a snapshot's description tells."""
    if created := _CREATED.search(description):
        return Origin(created[1], created[2])
    copied = _COPIED.search(description)
    return Origin(image=copied[1]) if copied else Origin()


def descriptions(*, machines: Iterable[str] = (), images: Iterable[str] = ()) -> list[str]:
    """What a filter asks for to find the snapshots that were made of machines, or for AMIs."""
    made_for = [(f"*Created by CreateImage* for {one}*", f"*Copied for DestinationAmi {one} *") for one in images]
    return [f"*Created by CreateImage({one})*" for one in machines] + [text for texts in made_for for text in texts]


def is_half_made(tags: Mapping[str, str]) -> bool:
    """Whether an AMI has the tags that a build begins with, and not the one that it ends with."""
    return RUN in tags and tags.get(PURPOSE) == BUILD and STATE not in tags


def is_intermediary(name: str, tags: Mapping[str, str]) -> bool:
    """Whether an AMI of a build's machine is one that Packer made to copy it: no person's has neither name nor tags."""
    return not tags and _RANDOM.fullmatch(name) is not None
