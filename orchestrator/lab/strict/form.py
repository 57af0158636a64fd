"""Forms (`Filter.1.Name=state`) as trees, by the model of an operation: the protocols `query` and `ec2`.

Smithy's pages "AWS query protocol" and "AWS EC2 query protocol" say how names are made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What every form has, and what a presigned one has besides.
_COMMON = re.compile(
    r"Action|Version|SignatureVersion|SignatureMethod|Signature|Timestamp|Expires|SecurityToken|AWSAccessKeyId"
    r"|ContentType|X-Amz-.*"
)


def tree(shape: Any, pairs: Iterable[tuple[str, str]], *, ec2: bool) -> tuple[dict[str, Any], list[str]]:
    """The parameters of a form by the names of the model, lists as dicts by number; and unknown keys."""
    found: dict[str, Any] = {}
    unknown = []
    for key, value in pairs:
        if _COMMON.fullmatch(key):
            continue
        if shape is None or not _put(found, shape, key.split("."), value, ec2=ec2):
            unknown.append(key)
    return found, unknown


def _put(into: dict[str, Any], shape: Any, names: list[str], value: str, *, ec2: bool) -> bool:
    """Put a value at its place in a structure; False when the structure has no such place."""
    for member, inner in shape.members.items():
        if _name(member, inner, ec2=ec2) == names[0]:
            return _deeper(into, member, inner, names[1:], value, ec2=ec2)
    return False


def _deeper(into: dict[str, Any], key: str, shape: Any, names: list[str], value: str, *, ec2: bool) -> bool:
    kind = shape.type_name
    if kind not in ("structure", "list", "map"):
        into.setdefault(key, value)
        return not names
    if not names:
        # An empty list or structure is written as its name alone.
        into.setdefault(key, {})
        return value == ""
    inner = into.setdefault(key, {})
    if kind == "structure":
        return _put(inner, shape, names, value, ec2=ec2)
    put = _put_entry if kind == "map" else _put_item
    return put(inner, shape, names, value, ec2=ec2)


def _put_item(into: dict[str, Any], shape: Any, names: list[str], value: str, *, ec2: bool) -> bool:
    flat = ec2 or shape.serialization.get("flattened")
    if not flat:
        if names[0] != shape.member.serialization.get("name", "member"):
            return False
        names = names[1:]
    if not names or not names[0].isdigit():
        return False
    return _deeper(into, names[0], shape.member, names[1:], value, ec2=ec2)


def _put_entry(into: dict[str, Any], shape: Any, names: list[str], value: str, *, ec2: bool) -> bool:
    if not shape.serialization.get("flattened"):
        if names[0] != "entry":
            return False
        names = names[1:]
    if len(names) < 2 or not names[0].isdigit():  # noqa: PLR2004  the number, and which half of the entry
        return False
    halves = {
        shape.key.serialization.get("name", "key"): ("key", shape.key),
        shape.value.serialization.get("name", "value"): ("value", shape.value),
    }
    if names[1] not in halves:
        return False
    half, inner = halves[names[1]]
    return _deeper(into.setdefault(names[0], {}), half, inner, names[2:], value, ec2=ec2)


def _name(member: str, shape: Any, *, ec2: bool) -> str:
    told = shape.serialization
    if not ec2:
        # A flattened list may have the name of its entries.
        if shape.type_name == "list" and told.get("flattened"):
            return str(shape.member.serialization.get("name") or told.get("name") or member)
        return str(told.get("name") or member)
    if "queryName" in told:
        return str(told["queryName"])
    name = str(told.get("name") or member)
    return name[:1].upper() + name[1:]
