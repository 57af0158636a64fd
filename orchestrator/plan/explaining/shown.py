"""Which inputs may be kept and shown with their content: see docs/decisions/0042-what-a-record-of-inputs-shows.md."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from orchestrator import masks
from orchestrator.plan.explaining.change import InputKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.plan.inputs import Part

#: Parts whose entries are values; the entries of all others are files.
_VALUES = frozenset(
    {"format", "source", "environment", "settings", "facts", "vars", "update cycle", "machine", "order", "role entries"}
)
#: Parts of names that secrets have.
_SENSITIVE = r"passw|passphrase|secret|token|credential|private_?key|api_?key|access_?key|\bvault_"
#: Names of variables that hold secrets, whether somebody wrote them as such or not.
_SECRET_NAME = re.compile(_SENSITIVE, re.IGNORECASE)
#: Lines of a file that give such a name a value of its own, and not that of another variable.
_SECRET_LINE = re.compile(
    rf"^(?P<name>[ \t]*(?:-[ \t]+)?[\"']?[\w.-]*(?:{_SENSITIVE})[\w.-]*[\"']?[ \t]*[:=][ \t]*)"
    r"(?P<value>(?!.*\{\{)\S.*)$",
    re.IGNORECASE | re.MULTILINE,
)
#: How a value of several lines begins in YAML.
_BLOCK = ("|", ">")
#: What no record holds: what is encrypted with Ansible Vault, and private keys.
_SECRET_TEXT = re.compile(r"\$ANSIBLE_VAULT|-----BEGIN [A-Z ]*PRIVATE KEY")
_MASK = "********"


def kind_of(part: str) -> InputKind:
    """Whether the entries of a part are values or files."""
    return InputKind.VALUE if part in _VALUES else InputKind.FILE


def is_withheld(part: str, entry: str) -> bool:
    """Whether the name of a value forbids to show it."""
    return kind_of(part) is InputKind.VALUE and _SECRET_NAME.search(entry) is not None


def texts_of(part: Part) -> Iterator[tuple[str, str]]:
    """The content of each entry that may be kept, with what is known to be secret masked."""
    for entry, content in part.contents.items():
        if is_withheld(part.name, entry):
            continue
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            continue
        shown = _value(text) if kind_of(part.name) is InputKind.VALUE else _file(text)
        if shown is not None:
            yield entry, masks.hide(shown)


def _value(text: str) -> str | None:
    """A value; None for one that has a key with the name of a secret."""
    return None if _SECRET_TEXT.search(text) or any(map(_SECRET_NAME.search, _keys_in(text))) else text


def _file(text: str) -> str | None:
    """A file with its plain secrets masked; None for one that is encrypted, is a key, or is no text."""
    if "\0" in text or _SECRET_TEXT.search(text):
        return None
    if any(found["value"].startswith(_BLOCK) for found in _SECRET_LINE.finditer(text)):
        return None
    return _SECRET_LINE.sub(rf"\g<name>{_MASK}", text)


def _keys_in(text: str) -> Iterator[str]:
    """The keys in a value, at any depth."""
    try:
        waiting: list[Any] = [json.loads(text)]
    except ValueError:
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
