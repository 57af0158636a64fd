"""Old and new side by side: of values where they differ, of texts the lines that do."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Characters of one value in a line.
_LONGEST = 48
#: Lines of one file's differences.
_LINES = 200


def parsed(text: str) -> Any:
    """The value of a text that is JSON; any other text is itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def between_values(name: str, before: Any, after: Any) -> tuple[str, ...]:
    """Where two values differ, a line for each place: `site.port: 80 -> 81`, `packages: + htop, - nano`.

    >>> between_values("site", {"port": 80, "tls": True}, {"port": 81, "tls": True})
    ('site.port: 80 -> 81',)
    >>> between_values("packages", ["curl", "nano"], ["curl", "htop"])
    ('packages: + htop, - nano',)
    """
    return tuple(_places(name, before, after))


def _places(name: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            if key not in before or key not in after:
                value, how = (after[key], "added") if key in after else (before[key], "removed")
                yield f"{name}.{key}: {_shown(value)}, {how}"
            elif before[key] != after[key]:
                yield from _places(f"{name}.{key}", before[key], after[key])
    elif isinstance(before, list) and isinstance(after, list):
        yield from _in_lists(name, before, after)
    else:
        yield f"{name}: {_shown(before)} -> {_shown(after)}"


def _in_lists(name: str, before: list[Any], after: list[Any]) -> Iterator[str]:
    more = [f"+ {_shown(one)}" for one in after if one not in before]
    less = [f"- {_shown(one)}" for one in before if one not in after]
    if len(before) == len(after) and any(isinstance(one, dict | list) for one in before):
        for place, (old, new) in enumerate(zip(before, after, strict=True)):
            if old != new:
                yield from _places(f"{name}[{place}]", old, new)
    elif more or less:
        yield f"{name}: {', '.join((*more, *less))}"
    else:
        same = len(before) == len(after)
        yield f"{name}: in another order" if same else f"{name}: {_shown(before)} -> {_shown(after)}"


def _shown(value: Any) -> str:
    """A value in one short line. A text gets quotes where it would be read as something else, or not at all."""
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value and value == value.strip() and value.isprintable() and parsed(value) == value:
        text = value
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def shown(text: str | None) -> str:
    """A value, given as JSON or as bare text, in one short line."""
    return _shown(parsed(text or ""))


def is_long(*texts: str | None) -> bool:
    """Whether one of these values has several lines, or is cut where it is shown in one."""
    return any(_shown(value).endswith("...") or "\n" in str(value) for value in map(parsed, filter(None, texts)))


def between_files(name: str, before: str | None, after: str | None) -> tuple[str, ...]:
    """The lines that differ, as `diff -u` shows them. None is a file that is not there."""
    lines = difflib.unified_diff(
        _lines(before),
        _lines(after),
        "/dev/null" if before is None else f"a/{name}",
        "/dev/null" if after is None else f"b/{name}",
        lineterm="",
    )
    found = tuple(lines)
    more = (f"... and {len(found) - _LINES} more lines",) if len(found) > _LINES else ()
    return (*found[:_LINES], *more)


def _lines(text: str | None) -> list[str]:
    """The lines of a text; of a list or a mapping, those of its JSON with indents."""
    if text is None:
        return []
    value = parsed(text)
    whole = json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict | list) else text
    return whole.removesuffix("\n").split("\n")
