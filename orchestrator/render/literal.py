"""Values as HCL literals, so that no value can break out of its place.

HCL's own syntax is escaped here ("HCL Native Syntax Specification", sections "Template Expressions" and "Literal
Values").
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class NotHcl(ValueError):
    """A value that HCL cannot hold unchanged."""


def literal(value: Any) -> str:
    """The HCL literal of a string, number, boolean, None, sequence or mapping of these.

    Mappings are sorted by key, and keys are always quoted. Raises NotHcl for anything else, for numbers that are not
    finite, and for text that HCL would change (see `_text`).
    """
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case float() if not math.isfinite(value):
            raise NotHcl(f"{value!r} is no number of HCL")
        case int() | float():
            return repr(value)
        case str():
            return _text(value)
        case Mapping():
            return _mapping(value)
        case Sequence() if not isinstance(value, bytes | bytearray):
            return "[" + ", ".join(literal(item) for item in value) + "]"
    raise NotHcl(f"{value!r} ({type(value).__name__}) has no HCL literal")


def _mapping(value: Mapping[Any, Any]) -> str:
    if not all(isinstance(key, str) for key in value):
        raise NotHcl(f"{dict(value)!r} has keys that are not text")
    if not value:
        return "{}"
    lines = [f"{_key(key)} = {literal(value[key])}" for key in sorted(value)]
    return "\n".join(["{", *lines, "}"])


def _key(key: str) -> str:
    """Keys are written in ASCII alone, so that the width that `packer fmt` aligns by is the number of characters."""
    return "".join(char if char.isascii() else _code_point(char) for char in _text(key))


def _text(text: str) -> str:
    """A quoted string. Lone surrogates have no UTF-8, and HCL would bring text into Unicode's NFC: both are refused."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise NotHcl(f"{text!r} has half of a surrogate pair")
    if not unicodedata.is_normalized("NFC", text):
        raise NotHcl(f"{text!r} is not in Unicode's composed form (NFC), and HCL would change it")
    escaped = "".join(_ESCAPES.get(char) or (char if char.isprintable() else _code_point(char)) for char in text)
    # HCL would also take `$${`; but not every parser does when no `}` follows, and a code point is no template to any.
    return '"' + escaped.replace("${", "\\u0024{").replace("%{", "\\u0025{") + '"'


def _code_point(char: str) -> str:
    number = ord(char)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - the length of the escape
