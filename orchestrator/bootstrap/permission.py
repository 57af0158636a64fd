"""Statements of policies as values, and how they are written for one place: an account, a bucket, a key.

Source: IAM User Guide, "IAM JSON policy elements reference".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from orchestrator.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    #: Operators, keys and values of a condition block.
    Conditions = Mapping[str, Mapping[str, str | tuple[str, ...]]]

#: A name in a text: `<bucket>`.
_NAME = re.compile(r"<([a-z]+)>")

#: What is changed has the tag of a run; what is made gets it.
OWN: Conditions = {"Null": {f"aws:ResourceTag/{Tag.RUN}": "false"}}
TAGGED: Conditions = {"Null": {f"aws:RequestTag/{Tag.RUN}": "false"}}


class PolicyUse(Enum):
    """What not every environment uses. Without it, the statements that it alone needs are left out."""

    ENCRYPTION = "AMIs that are encrypted"
    SECRETS = "secret variables"
    SESSIONS = "Packer's way through Session Manager"
    SPOT = "spot capacity"


@dataclass(frozen=True)
class PolicyPlace:
    """For what policies are written: which names their texts hold, and what is used there.

    A name may stand for several things, or for none: a secret that nobody reads. `write` makes of a text what stands
    in the document.
    """

    names: Mapping[str, tuple[str, ...]]
    uses: frozenset[PolicyUse]
    write: Callable[[str], Any] = str

    def texts(self, text: str) -> list[Any]:
        """A text, once for each thing that its names stand for. Raises KeyError for an unknown name.

        >>> PolicyPlace({"bucket": ("acme",)}, frozenset()).texts("arn:aws:s3:::<bucket>/*")
        ['arn:aws:s3:::acme/*']
        >>> PolicyPlace({"secret": ()}, frozenset()).texts("<secret>")
        []
        """
        found = _NAME.search(text)
        if found is None:
            return [self.write(text)]
        return [each for value in self.names[found[1]] for each in self.texts(text.replace(found[0], value))]


@dataclass(frozen=True)
class Permission:
    """One statement that allows something.

    Its texts may hold names in angle brackets, see `PolicyPlace`: `partition`, `region`, `account`, `bucket`, `profile`
    (of the instance profile and its role), and the ARNs `key` (of the bucket's key), `imagekey` (of keys that encrypt
    AMIs), `sourceparameter`, `secret` and `secretparameter`.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    conditions: Conditions = field(default_factory=dict)
    when: PolicyUse | None = field(default=None, kw_only=True)
    """What has to be used, if the statement is to be there."""

    def as_json(self, place: PolicyPlace) -> dict[str, Any] | None:
        """The statement as IAM takes it; None where it is left out."""
        resources = [each for text in self.resources for each in place.texts(text)]
        if not resources or (self.when is not None and self.when not in place.uses):
            return None
        conditions = {
            operator: {key: _values(value, place) for key, value in keys.items()}
            for operator, keys in self.conditions.items()
        }
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": _alone(self.actions),
            "Resource": _alone(resources),
            **({"Condition": conditions} if conditions else {}),
        }


@dataclass(frozen=True)
class PermissionSet:
    """A policy: what one kind of caller may do."""

    name: str
    """`reader`."""
    about: str
    permissions: tuple[Permission, ...]

    def as_json(self, place: PolicyPlace) -> dict[str, Any]:
        """The document."""
        statements = (each.as_json(place) for each in self.permissions)
        return {"Version": "2012-10-17", "Statement": [each for each in statements if each is not None]}


def _values(value: str | tuple[str, ...], place: PolicyPlace) -> Any:
    values = (value,) if isinstance(value, str) else value
    return _alone([each for text in values for each in place.texts(text)])


def _alone(values: Sequence[Any]) -> Any:
    """A list as people write it: a value that is alone stands alone."""
    return list(values) if len(values) != 1 else values[0]
