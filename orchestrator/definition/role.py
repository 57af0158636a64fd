"""What the factory needs to know of a role: what it depends on, and which variables it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.definition.document import Document, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.errors import Problem


@dataclass(frozen=True)
class Role:
    """One folder of `roles/`.

    `dependencies` are the roles that Ansible applies before it, each with the line of `meta/main.yml` that names it.
    `variables` is None when the role has no `meta/argument_specs.yml`.
    """

    name: str
    path: Path
    dependencies: Mapping[str, int] = field(default_factory=dict)
    variables: frozenset[str] | None = None

    @property
    def meta(self) -> Path:
        """The file that names the dependencies."""
        return self.path / "meta" / "main.yml"


def read_role(path: Path, problems: list[Problem]) -> Role:
    """The role in a folder. What cannot be read of it is added to `problems`."""
    meta = _optional(path / "meta" / "main.yml", problems)
    specs = _optional(path / "meta" / "argument_specs.yml", problems)
    return Role(
        name=path.name,
        path=path,
        dependencies=dict(_dependencies(meta)) if meta else {},
        variables=frozenset(_variables(specs.value)) if specs else None,
    )


def _optional(path: Path, problems: list[Problem]) -> Document | None:
    return read(path, problems) if path.exists() else None


def _dependencies(meta: Document) -> Iterator[tuple[str, int]]:
    """The names that `dependencies` lists, plain or as `role:` of a mapping (Ansible, "Using role dependencies")."""
    listed = meta.value.get("dependencies")
    for place, entry in enumerate(listed if isinstance(listed, list) else []):
        name = entry.get("role", entry.get("name")) if isinstance(entry, dict) else entry
        if isinstance(name, str):
            yield name, meta.place("dependencies", place).key


def _variables(specs: Any) -> Iterator[str]:
    """The options of every entry point (Ansible, "Role argument validation")."""
    for entry_point in _mapping(_mapping(specs).get("argument_specs")).values():
        yield from _mapping(_mapping(entry_point).get("options"))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
