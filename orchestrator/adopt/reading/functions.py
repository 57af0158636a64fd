"""Functions of HCL2 whose result depends on their arguments alone (Packer documentation, "HCL Functions")."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.adopt.block import NotConstantError, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable


def text_of_value(value: Any) -> str:
    """A value as a string template prints it. Raises NotConstantError for one that has no text."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case Unknown():
            raise NotConstantError(value.why)
    raise NotConstantError("it prints a value that has no text")


def is_pure(name: str) -> bool:
    """Whether a function is one of those below."""
    return name in _FUNCTIONS


def called(name: str, arguments: list[Any]) -> Any:
    """What a function gives. Raises NotConstantError for one that is not known here, or arguments that it refuses."""
    if name not in _FUNCTIONS:
        raise NotConstantError(f"it calls {name}()")
    try:
        return _FUNCTIONS[name](*arguments)
    except (TypeError, ValueError, LookupError, AttributeError) as refused:
        raise NotConstantError(f"{name}() does not take what it is given") from refused


def _merge(*maps: dict[str, Any]) -> dict[str, Any]:
    return {key: value for each in maps for key, value in each.items()}


def _concat(*lists: list[Any]) -> list[Any]:
    return [entry for each in lists for entry in each]


def _coalesce(*values: Any) -> Any:
    return next(value for value in values if value not in (None, ""))


def _lookup(mapping: dict[str, Any], key: str, *default: Any) -> Any:
    return mapping.get(key, default[0]) if default else mapping[key]


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "coalesce": _coalesce,
    "compact": lambda texts: [text for text in texts if text],
    "concat": _concat,
    "distinct": lambda entries: list(dict.fromkeys(entries)),
    "join": lambda separator, texts: separator.join(text_of_value(text) for text in texts),
    "jsonencode": lambda value: json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
    "keys": sorted,
    "length": len,
    "lookup": _lookup,
    "lower": lambda text: text.lower(),
    "merge": _merge,
    "split": lambda separator, text: text.split(separator),
    "tolist": list,
    "tomap": dict,
    "toset": lambda entries: sorted(set(entries)),
    "tostring": text_of_value,
    "trimspace": lambda text: text.strip(),
    "upper": lambda text: text.upper(),
    "values": lambda mapping: [mapping[key] for key in sorted(mapping)],
}
