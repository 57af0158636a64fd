"""Modules of collections that tasks name, and whether a collection that is there brings them.

Ansible says so when it loads the file, which for a task file is after the machine has booted. Files that every build
loads (`tasks/main.yml` and what it imports, handlers) must be right. Of others a machine may need none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml

from orchestrator.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

#: A module by its full name: namespace, collection, module.
_FULL = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*\.[a-z_][\w.]*")
#: Whether a file can name one at all: most are read no further.
_MAYBE = re.compile(rb"(?<![\w.])(?!ansible\.(?:builtin|legacy)\.)[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*\.[a-z_]")
_OF_CORE = ("ansible.builtin.", "ansible.legacy.")
_LISTS = frozenset({"block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"})
_IMPORTS = frozenset({"import_tasks", "ansible.builtin.import_tasks"})
_YAML = (".yml", ".yaml")


@dataclass(frozen=True)
class NamedModule:
    """A module that a task names, where it stands, and whether each build loads that file."""

    name: str
    path: Path
    line: int
    always: bool


def modules_of_role(role: Path) -> Iterator[NamedModule]:
    """The modules of collections that the tasks and handlers of a role name."""
    files = (path for folder in ("tasks", "handlers") for path in sorted((role / folder).rglob("*")))
    named = [one for path in files if path.suffix in _YAML and path.is_file() for one in _in_file(path, always=False)]
    loaded = set(_loaded(role)) if named else ()
    yield from (replace(one, always=one.path in loaded) for one in named)


def modules_of_playbook(path: Path) -> Iterator[NamedModule]:
    """The modules of collections that a playbook's own tasks name."""
    yield from _in_file(path, always=True)


def missing(modules: Iterable[NamedModule], collections: Mapping[str, Path]) -> Iterator[tuple[Problem, bool]]:
    """A problem for each module that none of some collections brings, and whether each build meets it."""
    for module in modules:
        if what := _why_missing(module.name, collections):
            yield Problem(module.path, module.line, what), module.always


def _why_missing(name: str, collections: Mapping[str, Path]) -> str:
    space, collection, module = name.split(".", 2)
    whole = f"{space}.{collection}"
    if whole not in collections:
        near = did_you_mean(whole, collections)
        return f"no collection '{whole}' is here, which the module '{name}' is from{near}: name it in requirements.yml"
    brought = _brought(collections[whole])
    if module in brought:
        return ""
    return f"the collection '{whole}' has no module '{module}'{did_you_mean(module, brought)}"


def _brought(collection: Path) -> set[str]:
    """The modules of a collection: its own, those that act on the builder, and those that moved elsewhere."""
    found: set[str] = set()
    for kind in ("modules", "action"):
        folder = collection / "plugins" / kind
        found |= {".".join(path.relative_to(folder).with_suffix("").parts) for path in folder.rglob("*.p[ys]*")}
    runtime = collection / "meta" / "runtime.yml"
    if runtime.is_file():
        routing = _mapping(_mapping(_loaded_yaml(runtime)).get("plugin_routing"))
        for kind in ("modules", "action"):
            found |= set(_mapping(routing.get(kind)))
    return found


def _loaded(role: Path) -> Iterator[Path]:
    """The files that Ansible loads whenever it applies a role, a `main` of each folder and what they import by name."""
    waiting = [path for folder in ("tasks", "handlers") for path in (role / folder).glob("main.*")]
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in seen or not path.is_file():
            continue
        seen.add(path)
        yield path
        for task in _tasks(_composed(path)):
            for key, value in task.value:
                if key.value in _IMPORTS and (name := _file_name(value)):
                    waiting += [path.parent / name, role / path.relative_to(role).parts[0] / name]


def _file_name(node: Any) -> str:
    """The file that an import names, when it is written down."""
    if isinstance(node, yaml.MappingNode):
        node = next((value for key, value in node.value if key.value == "file"), None)
    text = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
    return "" if "{{" in text else text


def _in_file(path: Path, *, always: bool) -> Iterator[NamedModule]:
    if not _MAYBE.search(path.read_bytes()):
        return
    for task in _tasks(_composed(path)):
        for key, value in task.value:
            name = _action(value) if key.value in ("action", "local_action") else key.value
            if isinstance(name, str) and _FULL.fullmatch(name) and not name.startswith(_OF_CORE):
                yield NamedModule(name, path, key.start_mark.line + 1, always)


def _action(node: Any) -> str:
    """The module of `action: name arguments` and of `action: {module: name}`."""
    if isinstance(node, yaml.MappingNode):
        node = next((value for key, value in node.value if key.value == "module"), None)
    return str(node.value).partition(" ")[0] if isinstance(node, yaml.ScalarNode) else ""


def _tasks(node: Any) -> Iterator[Any]:
    """The tasks and plays of a list, and those within blocks and plays."""
    for entry in node.value if isinstance(node, yaml.SequenceNode) else ():
        if isinstance(entry, yaml.MappingNode):
            yield entry
            for key, value in entry.value:
                if key.value in _LISTS:
                    yield from _tasks(value)


def _composed(path: Path) -> Any:
    """The nodes of a YAML file; None for what Ansible will not read either, and will say so."""
    try:
        return yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return None


def _loaded_yaml(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CBaseLoader)  # noqa: S506 - texts alone
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
