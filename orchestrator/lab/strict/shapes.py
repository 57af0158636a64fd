"""What of a call's parameters breaks the model of its operation: types, enumerations, lengths, patterns."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from orchestrator.lab.strict.complaint import Complaint, Wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_WHOLE, _NUMBER = re.compile(r"[+-]?\d+"), re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TYPES = {
    "integer": "an integer", "long": "an integer", "float": "a number", "double": "a number", "boolean": "a boolean",
    "string": "a string", "structure": "a structure", "list": "a list", "map": "a map",
}  # fmt: skip

#: Enumerations that grow all the time: each action has its own answer for a value that is not there, as
#: DescribeInstanceTypes has InvalidInstanceType (EC2 API Reference, "Error codes").
_OPEN = frozenset({"InstanceType"})


def complaints(shape: Any, value: Any, path: tuple[str, ...] = ()) -> Iterator[Complaint]:
    """What is wrong with a value: JSON's own, or of a form, where scalars are text and lists dicts by number."""
    match shape.type_name:
        case "structure":
            yield from _structure(shape, value, path)
        case "list":
            yield from _list(shape, value, path)
        case "map":
            yield from _map(shape, value, path)
        case "string":
            yield from _text(shape, value, path)
        case "integer" | "long" | "float" | "double":
            yield from _number(shape, value, path)
        case "boolean":
            if not isinstance(value, bool) and str(value).lower() not in ("true", "false"):
                yield _form(shape, value, path)


def _form(shape: Any, value: Any, path: tuple[str, ...]) -> Complaint:
    return Complaint(Wrong.FORM, path, str(value), _TYPES[shape.type_name])


def _structure(shape: Any, value: Any, path: tuple[str, ...]) -> Iterator[Complaint]:
    if not isinstance(value, dict):
        yield _form(shape, value, path)
        return
    names: Mapping[str, str] = {
        str(inner.serialization.get("name") or name): name for name, inner in shape.members.items()
    }
    for key, inner in value.items():
        # A union may carry its type's name (Smithy, "AWS JSON 1.1 protocol").
        member = key if key in shape.members else names.get(key, "")
        if member and inner is not None:
            yield from complaints(shape.members[member], inner, (*path, member))
        elif not member and key != "__type":
            yield Complaint(Wrong.UNKNOWN, (*path, key))
    given = {key for key, inner in value.items() if inner is not None}
    for name in shape.required_members:
        if name not in given and shape.members[name].serialization.get("name") not in given:
            yield Complaint(Wrong.MISSING, (*path, name))


def _list(shape: Any, value: Any, path: tuple[str, ...]) -> Iterator[Complaint]:
    if isinstance(value, dict):
        entries = sorted(value.items(), key=lambda each: int(each[0]) if each[0].isdigit() else 0)
    elif isinstance(value, list):
        entries = [(str(number), each) for number, each in enumerate(value, 1)]
    else:
        yield _form(shape, value, path)
        return
    yield from _size(shape, len(entries), f"[{', '.join(str(each) for _, each in entries)}]", path)
    for number, each in entries:
        yield from complaints(shape.member, each, (*path, number))


def _map(shape: Any, value: Any, path: tuple[str, ...]) -> Iterator[Complaint]:
    if not isinstance(value, dict):
        yield _form(shape, value, path)
        return
    of_form = bool(value) and all(isinstance(each, dict) and {"key", "value"} >= each.keys() for each in value.values())
    pairs = [(each.get("key", ""), each.get("value", "")) for each in value.values()] if of_form else value.items()
    yield from _size(shape, len(value), str(value), path)
    for key, inner in pairs:
        yield from complaints(shape.key, key, (*path, key))
        yield from complaints(shape.value, inner, (*path, key))


def _text(shape: Any, value: Any, path: tuple[str, ...]) -> Iterator[Complaint]:
    if not isinstance(value, str):
        yield _form(shape, value, path)
        return
    options = () if shape.name in _OPEN else shape.enum
    if options and value not in options:
        told = f"Member must satisfy enum value set: [{', '.join(options)}]"
        yield Complaint(Wrong.CONSTRAINT, path, value, told)
        return
    yield from _size(shape, len(value), value, path)
    pattern = shape.metadata.get("pattern")
    compiled = _compiled(pattern) if pattern else None
    if compiled is not None and not compiled(value):
        told = f"Member must satisfy regular expression pattern: {pattern}"
        yield Complaint(Wrong.CONSTRAINT, path, value, told)


def _number(shape: Any, value: Any, path: tuple[str, ...]) -> Iterator[Complaint]:
    pattern = _WHOLE if shape.type_name in ("integer", "long") else _NUMBER
    text = str(value)
    if isinstance(value, float) and value.is_integer():
        text = str(int(value))
    if isinstance(value, bool | dict | list) or not pattern.fullmatch(text):
        yield _form(shape, value, path)
        return
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and float(text) < float(least):
        told = f"Member must have value greater than or equal to {least}"
        yield Complaint(Wrong.CONSTRAINT, path, text, told)
    if most is not None and float(text) > float(most):
        yield Complaint(Wrong.CONSTRAINT, path, text, f"Member must have value less than or equal to {most}")


def _size(shape: Any, size: int, value: str, path: tuple[str, ...]) -> Iterator[Complaint]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        told = f"Member must have length greater than or equal to {least}"
        yield Complaint(Wrong.CONSTRAINT, path, value, told)
    if most is not None and size > most:
        yield Complaint(Wrong.CONSTRAINT, path, value, f"Member must have length less than or equal to {most}")


@cache
def _compiled(pattern: str) -> Callable[[str], re.Match[str] | None] | None:
    """Whether a value matches: all of it, unless the pattern says itself where it begins.

    AWS's patterns are Java's: those that Python cannot read are not asked.
    """
    try:
        compiled = re.compile(pattern)
    except re.error:
        return None
    return compiled.search if pattern.startswith("^") else compiled.fullmatch
