"""Which tags EC2 takes, and which of them the factory sets itself.

Limits and characters: Amazon EC2 User Guide, "Tag your Amazon EC2 resources", section "Tag restrictions". EC2 itself
takes any character in a tag; those allowed here are the ones that every service of AWS takes, so that policies and cost
reports can use the tags.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.tags import AMI_TAGS, LONGEST_KEY, LONGEST_VALUE, MOST_TAGS, PREFIX, RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: How many tags a definition may set: what EC2 allows less what the factory keeps for its own, so that an image that is
#: right today stays right when the factory sets more of them.
OWN_TAGS = MOST_TAGS - RESERVED

_TAKEN = "the services of AWS take letters, digits, spaces and _ . : / = + - @ only"
_CHARACTERS = re.compile(r"[\w .:/=+\-@]*")


def refusals(tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(key, why) for each tag that EC2 or the factory would refuse."""
    seen: dict[str, str] = {}
    for place, (key, value) in enumerate(tags.items()):
        if place == OWN_TAGS:
            what = f"EC2 allows {MOST_TAGS}, and the factory keeps {RESERVED} of them for its own"
            yield key, f"{len(tags)} tags are too many: {what}"
        if why := _key_refusal(key) or _value_refusal(value):
            yield key, why
        if (twin := seen.setdefault(key.lower(), key)) != key:
            yield key, f"tags '{twin}' and '{key}' differ only in upper and lower case"


def _key_refusal(key: str) -> str:
    if not key.strip():
        return "a tag's key may not be empty"
    if len(key) > LONGEST_KEY:
        return f"a tag's key has at most {LONGEST_KEY} characters, and this one has {len(key)}"
    if key.lower().startswith("aws:"):
        return f"tag '{key}': EC2 reserves keys that begin with 'aws:'"
    if key.lower().startswith(PREFIX) or key in AMI_TAGS:
        return f"tag '{key}': the factory sets 'Name' and the keys that begin with '{PREFIX}' itself"
    if not _CHARACTERS.fullmatch(key):
        return f"tag {key!r}: {_TAKEN}"
    return ""


def _value_refusal(value: str) -> str:
    if len(value) > LONGEST_VALUE:
        return f"a tag's value has at most {LONGEST_VALUE} characters, and this one has {len(value)}"
    if not _CHARACTERS.fullmatch(value):
        return f"value {value!r}: {_TAKEN}"
    return ""
