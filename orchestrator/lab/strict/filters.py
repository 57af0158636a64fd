"""Which filters an action has: read from AWS's own description of it, which botocore's model carries."""

from __future__ import annotations

import html
import re
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: `<li> <p> <code>architecture</code> - The image architecture ...`. Some descriptions have an en dash or a colon.
_ITEM = re.compile(r"<li>\s*(?:<p>)?\s*<code>([^<]*)</code>\s*(?:[-:\u2013\u2014]|\()")
_OF_ACTION = r"API_{}\.html(.*?)(?:API_\w+\.html|$)"
#: How descriptions write the part that a caller chooses: `tag:<key>`, `tag:${tag-key}`.
_CHOSEN = re.compile(r"<[^>]*>|\$\{[^}]*\}|(?<=^tag:)[kK]ey.*$")


def documented(action: str, shape: Any) -> tuple[str, ...]:
    """The patterns of the filters that an action's description lists; empty: it lists none, so that any may be right.

    `shape` is the list of filters.
    """
    name = shape.member.members.get("Name") or shape.member.members.get("Key")
    texts = (shape.documentation, getattr(name, "documentation", "") or "")
    return _names(action, *texts)


@cache
def _names(action: str, of_list: str, of_name: str) -> tuple[str, ...]:
    # One description may be that of several actions, with a part for each.
    part = re.search(_OF_ACTION.format(action), of_name, re.DOTALL)
    found = _ITEM.findall(of_list) or (_ITEM.findall(part[1]) if part else [])
    names = dict.fromkeys(_CHOSEN.sub("*", html.unescape(each)) for each in found)
    # Some descriptions write `tag`:<key>, with the key behind the name.
    return tuple("tag:*" if name == "tag" else name for name in names)


def unknown(names: Iterable[str], known: Iterable[str]) -> str:
    """The first of `names` that is none of the filters that are known; empty when there is none."""
    patterns = tuple(known)
    return next((name for name in names if not any(fnmatchcase(name, each) for each in patterns)), "")


def asked(parameters: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The parameter that holds a call's filters, and their names; of a form or of JSON."""
    for key in ("Filters", "Filter"):
        given = parameters.get(key)
        entries = given.values() if isinstance(given, dict) else given if isinstance(given, list) else ()
        names = [str(each.get("Name") or each.get("Key") or "null") for each in entries if isinstance(each, dict)]
        if names:
            return key, names
    return "", []
