"""An Ansible playbook of a template, with the roles that it names and the files that lie beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import yaml

from orchestrator.definition.roles.role import read_role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

#: Folders beside a playbook in which Ansible looks by itself.
_BESIDE: tuple[str, ...] = (
    "action_plugins",
    "callback_plugins",
    "files",
    "filter_plugins",
    "group_vars",
    "handlers",
    "host_vars",
)
_BESIDE += ("library", "lookup_plugins", "module_utils", "tasks", "templates", "test_plugins", "vars")
_INCLUDES = ("import_role", "include_role")


@dataclass(frozen=True)
class AdoptedPlaybook:
    """What a playbook needs, each by its path: roles by name, and files and folders by their place beside it."""

    path: Path
    roles: dict[str, Path] = field(default_factory=dict)
    #: Roles that are applied by the playbook itself, in its order; the others are dependencies of these.
    named: tuple[str, ...] = ()
    beside: dict[str, Path] = field(default_factory=dict)
    #: Roles that are nowhere.
    missing: tuple[str, ...] = ()
    #: Roles that the requirements of the workspace bring.
    brought: tuple[str, ...] = ()

    @property
    def applied(self) -> tuple[str, ...]:
        """The roles that a layer with this playbook has."""
        return (*self.named, *self.brought)

    def with_brought(self, roles: Iterable[str]) -> AdoptedPlaybook:
        """The same, with some of the missing roles brought by requirements."""
        brought = tuple(roles)
        missing = tuple(name for name in self.missing if name not in brought)
        return replace(self, missing=missing, brought=brought)

    def untested(self) -> tuple[str, ...]:
        """The roles that bring no tests; those that requirements bring hardly ever do."""
        here = (name for name, path in self.roles.items() if not any((path / "tests").glob("test_*.py")))
        return (*here, *self.brought)


def read_playbook(path: Path, roles_path: Sequence[Path]) -> AdoptedPlaybook:
    """A playbook and what it names. Only what is written out is found: a role by a computed name is not."""
    plays = _plays(path)
    texts = set(_texts(plays))
    named = tuple(dict.fromkeys(_roles(plays)))
    roles: dict[str, Path] = {}
    missing: list[str] = []
    waiting = list(named)
    search = [path.parent / "roles", *roles_path, path.parent.parent / "roles", path.parent]
    while waiting:
        name = waiting.pop(0)
        if name in roles or name in missing:
            continue
        found = next((place / name for place in search if (place / name / "tasks").is_dir()), None)
        if found is None:
            missing.append(name)
            continue
        roles[name] = found.resolve()
        waiting += read_role(found).dependencies
    beside = {name: path.parent / name for name in _BESIDE if (path.parent / name).is_dir()}
    for text in sorted(texts):
        if _is_beside(path, text) and text.split("/")[0] not in (*beside, "roles"):
            beside[os.path.normpath(text)] = path.parent / text
    return AdoptedPlaybook(path, roles, tuple(name for name in named if name in roles), beside, tuple(missing))


def _is_beside(path: Path, text: str) -> bool:
    if not text or "\n" in text or "{{" in text or "\0" in text or text.startswith("/") or ".." in text.split("/"):
        return False
    there = path.parent / text
    return len(text) < 256 and there.is_file() and there != path  # noqa: PLR2004 - the longest name of a file


def _plays(path: Path) -> list[Any]:
    try:
        plays = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - it makes no objects
    except (yaml.YAMLError, UnicodeDecodeError):
        return []  # Ansible will say what is wrong with it
    return plays if isinstance(plays, list) else []


class _Loader(yaml.SafeLoader):
    """Takes tags such as `!vault` and `!unsafe` for the text that they mark."""


_Loader.add_multi_constructor("!", lambda loader, _, node: loader.construct_scalar(node))


def _roles(node: Any) -> Iterator[str]:
    """The roles of plays, and those that tasks include, in the order in which they stand."""
    if isinstance(node, list):
        for entry in node:
            yield from _roles(entry)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "roles" and isinstance(value, list):
            names = [entry.get("role", entry.get("name")) if isinstance(entry, dict) else entry for entry in value]
        elif str(key).rpartition(".")[2] in _INCLUDES and isinstance(value, dict):
            names = [value.get("name")]
        else:
            names = []
            yield from _roles(value) if isinstance(value, list) else ()
        yield from (name for name in names if isinstance(name, str) and "{{" not in name)


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _texts(inner)
