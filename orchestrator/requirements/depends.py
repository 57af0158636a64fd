"""What a role or a collection from elsewhere depends on, in its own files."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from orchestrator.definition.reading.document import read_any, read_foreign
from orchestrator.requirements.fetch import collection_info
from orchestrator.requirements.written import (
    COLLECTION_NAME,
    ROLE_KEYS,
    Kind,
    RequirementEntry,
    Way,
    entries_of,
    role_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.requirements.lock import Pin


def depends_on(pin: Pin, folder: Path) -> Iterator[RequirementEntry]:
    """The requirements of content that lies in `folder`. What names no place is looked for on Galaxy.

    Dependencies of a role that have no namespace are roles of the workspace: nothing else is called so.
    """
    if pin.kind is Kind.COLLECTION:
        dependencies = collection_info(folder).get("dependencies")
        for name, version in (dependencies if isinstance(dependencies, dict) else {}).items():
            if COLLECTION_NAME.fullmatch(str(name)):
                wanted = "" if version in (None, "*") else str(version)
                yield RequirementEntry(Kind.COLLECTION, Way.GALAXY, name, name, wanted)
        return
    meta = read_foreign(folder / "meta" / "main.yml", [])
    for entry in _list(meta.value.get("dependencies") if meta else None):
        yield from _of_role(entry, folder)
    if more := read_any(folder / "meta" / "requirements.yml", []):
        yield from entries_of(more, [])


def _of_role(entry: Any, folder: Path) -> Iterator[RequirementEntry]:
    """A dependency that says where it comes from, or that has a namespace. Roles of collections come with those."""
    fields = {key: str(entry[key]) for key in ROLE_KEYS if key in entry} if isinstance(entry, dict) else {}
    name = str(entry.get("role", entry.get("name", ""))) if isinstance(entry, dict) else str(entry)
    if "src" in fields or re.fullmatch(r"[\w-]+\.[\w-]+", name):
        with suppress(ValueError):  # Ansible says what it makes of it
            yield role_of({"name": name, **fields} if name else fields, folder)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
