"""What the lab knows of a type of resources: one module of `types/` for each.

Source: AWS CloudFormation Template Reference.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.lab.cloudformation.template_file import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.lab.cloudformation.intrinsics import Made

_LETTERS = string.ascii_uppercase + string.digits


@dataclass(frozen=True)
class Maker:
    """Who makes a resource: clients of whoever asked for the stack, and the resource's place."""

    stack: str
    logical: str
    client: Callable[[str], Any]
    """A client of botocore, by the name of a service."""

    def name(self, given: Any, *, longest: int = 128) -> str:
        """The name that was given, or one that CloudFormation makes up: STACK-RESOURCE-12 letters."""
        made = f"{self.stack}-{self.logical}"[: longest - 13]
        return str(given) if given else f"{made}-{''.join(secrets.choice(_LETTERS) for _ in range(12))}"


@dataclass(frozen=True)
class StackResourceType:
    """A type. `properties` says which the lab honours, and of an object which of its keys; of a list those of each."""

    name: str
    properties: Mapping[str, Any]
    create: Callable[[Maker, Mapping[str, Any]], Made]
    delete: Callable[[Maker, str, Mapping[str, Any]], None]
    update: Callable[[Maker, Made, Mapping[str, Any], Mapping[str, Any]], None] | None = None
    """By the old and the new properties; None: whatever changes, it is made anew."""
    required: frozenset[str] = frozenset()
    fixed: frozenset[str] = field(default_factory=frozenset)
    """A change of these makes it anew."""
    named: str = ""
    """The property that is its name, when it needs CAPABILITY_NAMED_IAM."""
    of_iam: bool = False

    def check(self, logical: str, properties: Mapping[str, Any]) -> None:
        """Raise AwsFault for a property that AWS does not have, or that the lab would ignore."""
        missing = sorted(self.required - set(properties))
        if missing:
            raise invalid(f"Properties validation failed for resource {logical}: required key [{missing[0]}] not found")
        for path in _unknown(properties, self.properties):
            what = f"the lab does not honour the property {path} of {self.name}: it would be ignored"
            raise invalid(f"{what} (resource {logical})")

    def replaces(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether a change of properties makes it anew."""
        return self.update is None or any(old.get(each) != new.get(each) for each in self.fixed)


def _unknown(value: Any, known: Any, path: str = "") -> Iterator[str]:
    """The paths of what is not in `known`: a mapping of keys, or None for any value."""
    if isinstance(value, list):
        for each in value:
            yield from _unknown(each, known, path)
    elif isinstance(value, dict) and known is not None:
        for key, inner in value.items():
            at = f"{path}.{key}" if path else key
            if key not in known:
                yield at
            else:
                yield from _unknown(inner, known[key], at)


def keys(*names: str, **nested: Any) -> dict[str, Any]:
    """Keys with any value, and keys whose values have keys of their own.

    >>> keys("A", B=keys("C"))
    {'A': None, 'B': {'C': None}}
    """
    return {**dict.fromkeys(names), **nested}
