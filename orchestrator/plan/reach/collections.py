"""Whether a text uses a collection: by its name, or by a short name that ansible-core leads to it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

#: Where a name of a module or of a filter is computed: whichever collection could be meant.
_COMPUTED = re.compile(
    rb"""\b(?:(?:local_)?action|module):\s*["']?\{\{|\b(?:map|select|reject)\(\s*[A-Za-z_]\w*\s*[,)]"""
)
_ROUTE = re.compile(r"^    (\w+):\n      redirect: (\w+\.\w+)\.\w+$", re.MULTILINE)


def uses(content: bytes, name: str) -> bool:
    """Whether a file may use something of the collection `name`."""
    if name.encode() in content and _named(name).search(content):
        return True
    short = _short(name)
    return short is not None and short.search(content) is not None


def computed(content: bytes) -> str:
    """What in a file computes the name of a module or a filter; empty when nothing does."""
    found = _COMPUTED.search(content)
    return found[0].decode("utf-8", "replace") if found else ""


@cache
def _named(name: str) -> re.Pattern[bytes]:
    return re.compile(rb"(?<![\w-])" + re.escape(name.encode()) + rb"(?!\w)")


@cache
def _short(name: str) -> re.Pattern[bytes] | None:
    """Where a short name stands that ansible-core has moved to a collection; None when it has moved none there."""
    names = "|".join(sorted(short for short, collection in _routes() if collection == name))
    if not names:
        return None
    pattern = (
        rf"""^[\s-]*["']?(?:ansible\.(?:builtin|legacy)\.)?(?:{names})["']?\s*:"""  # a task
        rf"""|\b(?:local_)?action:\s*(?:{names})\b|\b(?:lookup|query|q)\(\s*['"](?:{names})['"]|\bwith_(?:{names})\b"""
        rf"""|\|\s*(?:{names})\b|\bis\s+(?:not\s+)?(?:{names})\b"""
    )
    return re.compile(pattern.encode(), re.MULTILINE)


@cache
def _routes() -> frozenset[tuple[str, str]]:
    """(short name, collection) of what moved out of Ansible (ansible-core, config/ansible_builtin_runtime.yml)."""
    from importlib.util import find_spec  # noqa: PLC0415 - asked only when there are collections

    spec = find_spec("ansible")
    place = Path(spec.origin).parent / "config/ansible_builtin_runtime.yml" if spec and spec.origin else None
    if place is None or not place.is_file():
        return frozenset()
    return frozenset(_ROUTE.findall(place.read_text(encoding="utf-8")))
