"""What a call needs the right to do, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Need:
    """One action on one resource, and the condition keys that the call has for it besides those of the caller."""

    action: str
    """`ec2:RunInstances`, as IAM names it."""
    resource: str = "*"
    """An ARN."""
    kind: str = ""
    """The resource's type in the Service Authorization Reference; empty: it has none."""
    account: str = ""
    """Whose the resource is; empty: the caller's, or nobody's."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values by the keys' names."""
    new: bool = False
    """Whether the call is about to make the resource: it has no tags yet."""


def tag_keys(tags: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The keys of tags that a request brings."""
    return (
        {"aws:TagKeys": tuple(tags)} | {f"aws:RequestTag/{key}": (value,) for key, value in tags.items()}
        if tags
        else {}
    )


def tags_of(told: object) -> dict[str, str]:
    """Tags as most services write them: a list of keys and values, or a mapping."""
    if isinstance(told, dict):
        return {str(key): str(value) for key, value in told.items()}
    entries = told if isinstance(told, list) else []
    return {
        str(each.get("Key", each.get("TagKey", ""))): str(each.get("Value", each.get("TagValue", "")))
        for each in entries
        if isinstance(each, dict)
    }
