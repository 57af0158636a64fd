"""Variable files that are as plain as most are, read without HCL's grammar, which takes a fifth of a second to load.

    region = "us-east-1"   # a value in one line
    extra_vars = {         # or a map of such values
      mirror = "http://mirror.example.com"
    }

Whatever else is in a file, a mistake above all, is left to the grammar: this reads a file as that does, or not at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.definition.reading.document import Position

if TYPE_CHECKING:
    from typing import Any

    from orchestrator.definition.reading.document import Keys

#: A name that is no word of HCL's, then its value, if it is a text without escapes, a small number, or true or false.
_NAME = r"[ ]*(?!(?:true|false|null|in|if|for|for_each)\b)(?P<name>[a-z][a-z0-9_]*)[ ]*=[ ]*"
_COMMENT = r"[ ]*(?:(?:#|//)[ -~]*)?"
_VALUE = re.compile(
    rf'{_NAME}(?:"(?P<text>[^"\\$%\n]*)"|(?P<number>0|[1-9][0-9]{{0,8}})|(?P<truth>true|false)){_COMMENT}', re.ASCII
)
_OPENS = re.compile(rf"{_NAME}\{{{_COMMENT}", re.ASCII)
_CLOSES = re.compile(rf"[ ]*\}}{_COMMENT}", re.ASCII)
_NOTHING = re.compile(_COMMENT, re.ASCII)


def read_plain(text: str) -> tuple[dict[str, Any], dict[Keys, Position]] | None:
    """The values of a variable file and the lines of its keys; None when the file is not that plain."""
    if not text.isascii() or (text and not text.endswith("\n")):
        return None
    values: dict[str, Any] = {}
    places: dict[Keys, Position] = {(): Position(1, 1)}
    inside = values
    open_in: Keys = ()
    for number, line in enumerate(text.split("\n"), 1):
        if _NOTHING.fullmatch(line):
            continue
        if open_in and _CLOSES.fullmatch(line):
            inside, open_in = values, ()
            continue
        found = _VALUE.fullmatch(line) or (None if open_in else _OPENS.fullmatch(line))
        if found is None or found["name"] in inside:
            return None
        places[(*open_in, found["name"])] = Position(number, number)
        if found.re is _OPENS:
            opened: dict[str, Any] = {}
            values[found["name"]] = opened
            inside, open_in = opened, (found["name"],)
        else:
            inside[found["name"]] = _value(found)
    return None if open_in else (values, places)


def _value(found: re.Match[str]) -> str | int | bool:
    if found["text"] is not None:
        return found["text"]
    return int(found["number"]) if found["number"] else found["truth"] == "true"
