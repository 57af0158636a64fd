"""The policies of docs/iam, and the table that says what each of their actions is for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FOLDER = Path(__file__).parents[1] / "docs/iam"
PAGE = FOLDER / "README.md"
#: How moto, by whose names the lab counts, calls what IAM calls otherwise.
_IAM_NAMES = {"s3:HeadBucket": "s3:ListBucket", "s3:HeadObject": "s3:GetObject", "s3:ListObjectsV2": "s3:ListBucket"}
#: Nobody needs a permission for these.
_FREE = {"sts:GetCallerIdentity"}
#: Of the table: an action, and what stands in the three cells after it.
_ROW = re.compile(r"^\| `(\w+:\w+)` \| ([\w, ]+?) +\| (.+?) +\| (.+?) +\|$", re.MULTILINE)
_LEFT_OUT = re.compile(r"^\| `(\w+:\w+)` +\| ([^|]+?) +\|$", re.MULTILINE)


def statements(policy: str) -> list[dict[str, Any]]:
    """The statements of `reader`, `validator`, `builder` or `instance-profile`."""
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{policy}.json").read_text())["Statement"]
    return found


def listed(value: str | list[str]) -> list[str]:
    """A value that IAM lets stand alone, as a list."""
    return [value] if isinstance(value, str) else value


def allowed(*policies: str) -> set[str]:
    """The actions that these policies allow together."""
    return {action for policy in policies for each in statements(policy) for action in listed(each["Action"])}


def rows() -> dict[str, tuple[str, str]]:
    """The table: by action its policies, and whether it is counted in the lab (`yes`, or why not)."""
    text = re.sub(r" {2,}", " ", PAGE.read_text())
    return {action: (policies, counted) for action, policies, _, counted in _ROW.findall(text)}


def left_out() -> set[str]:
    """The actions that Packer's documentation names and no policy allows."""
    text = re.sub(r" {2,}", " ", PAGE.read_text())
    return {action for action, _ in _LEFT_OUT.findall(text)}


def needed(before: Mapping[str, int], after: Mapping[str, int], besides: Iterable[str] = ()) -> set[str]:
    """The actions, as IAM names them, that the lab has counted between two looks at its counts."""
    made = {name for name, count in after.items() if count != before.get(name, 0)}
    return {_IAM_NAMES.get(name, name) for name in made} - _FREE - set(besides)


#: What an action makes, besides what it names.
_MAKES = {
    "ec2:CopyImage": ("image", "snapshot"),
    "ec2:CreateImage": ("image", "snapshot"),
    "ec2:CreateKeyPair": ("key-pair",),
    "ec2:CreateSecurityGroup": ("security-group",),
    "ec2:RunInstances": ("instance", "network-interface", "volume"),
}
_KINDS = {"i": "instance", "ami": "image", "snap": "snapshot", "vol": "volume", "sg": "security-group"} | {
    "key": "key-pair",
    "subnet": "subnet",
    "vpc": "vpc",
}
#: Kinds whose ARNs name no account (Service Authorization Reference, "Resource types defined by Amazon EC2").
_OF_NOBODY = ("image", "snapshot")


@dataclass(frozen=True)
class Demand:
    """One action on one resource, as IAM looks at it."""

    action: str
    kind: str
    #: The tag keys that the resource has, and those that the call brings.
    has: frozenset[str]
    brings: frozenset[str]
    #: The action that makes the resource, when the tags come with it.
    with_action: str = ""

    def allowed_by(self, statement: Mapping[str, Any]) -> bool:
        """Whether a statement allows it: by its action, the kind in its resource, and each of its conditions."""
        account = "" if self.kind in _OF_NOBODY else "123456789012"
        arn = f"arn:aws:ec2:us-east-1:{account}:{self.kind}/it"
        return (
            self.action in listed(statement["Action"])
            and any(fnmatchcase(arn, pattern) for pattern in listed(statement["Resource"]))
            and all(
                self._holds(operator, key, listed(values))
                for operator, keys in statement.get("Condition", {}).items()
                for key, values in keys.items()
            )
        )

    def _holds(self, operator: str, key: str, values: list[str]) -> bool:
        of, _, tag = key.partition("/")
        match operator, of:
            case "Null", "aws:ResourceTag":
                return (tag not in self.has) == (values == ["true"])
            case "Null", "aws:RequestTag":
                return (tag not in self.brings) == (values == ["true"])
            case "StringEquals", "ec2:CreateAction":
                return self.with_action in values
        raise AssertionError(f"{operator} of {key} is new here")


def demands(change: Mapping[str, Any]) -> Iterator[Demand]:
    """What IAM is asked for one call, as `door.changes` tells it."""
    action, named, brought = change["operation"], change["named"], change["brought"]
    if action in ("ec2:CreateTags", "ec2:DeleteTags"):
        for resource, keys in named.items():
            brings = frozenset(brought.get("", ()))
            yield Demand(action, _KINDS[resource.partition("-")[0]], frozenset(keys), brings)
        return
    for resource, keys in named.items():
        yield Demand(action, _KINDS[resource.partition("-")[0]], frozenset(keys), frozenset())
    for kind in _MAKES.get(action, ()):
        brings = frozenset(brought.get(kind, ()))
        yield Demand(action, kind, frozenset(), brings)
        if brings:
            yield Demand("ec2:CreateTags", kind, frozenset(), brings, action.removeprefix("ec2:"))


def refused(changes: Iterable[Mapping[str, Any]], *policies: str) -> set[tuple[str, str]]:
    """The (action, kind of resource) pairs that these policies together would have refused."""
    together = [each for policy in policies for each in statements(policy)]
    asked = {demand for change in changes for demand in demands(change)}
    return {(one.action, one.kind) for one in asked if not any(one.allowed_by(each) for each in together)}
