"""Modules and roles of collections that a build would not find, told before anything is launched.

Only files are looked at that Ansible always loads: a layer's playbook, and `tasks/main.yml` and `handlers/main.yml` of
its roles. Others may be for another system, and never be loaded here.

Variables that are written in vain show in files as well, as far as names in them are not computed.
"""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from orchestrator.brought import collections_in, folders_in
from orchestrator.definition.places import place_of_variable
from orchestrator.definition.workspace import from_here
from orchestrator.errors import Problem, did_you_mean
from orchestrator.plan.reach.settings import AnsibleCfg, collection_folders, collections_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.inputs import Collector
    from orchestrator.plan.planned_layer import PlannedLayer
    from orchestrator.plan.reach.folder import Reached
    from orchestrator.plan.segment import Segment

#: What looks like a module of a collection at the place of a key, or a role of one at that of a value.
_FULL_NAME = re.compile(rb"^[\s-]*(?:name:\s*|[\w.]*_role:\s*name=)?[\"']?[a-z_]\w*\.[a-z_]\w*\.\w+", re.MULTILINE)
_PARTS = re.compile(r"([a-z_]\w*\.[a-z_]\w*)\.([\w.]+)")
#: Where a play and a block have tasks.
_TASKS = frozenset({"tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"})
_ROLES = frozenset({"include_role", "import_role"})
_OF_ANSIBLE = frozenset({"ansible.builtin", "ansible.legacy"})
_FILES = ("tasks/main.yml", "tasks/main.yaml", "handlers/main.yml", "handlers/main.yaml")


def problems_of_modules(workspace: Workspace, layers: Iterable[PlannedLayer]) -> Iterator[Problem]:
    """What the layers use of collections that are not there, or that do not have it."""
    places: dict[Path, tuple[str, ...]] = {}
    seen: set[Path] = set()
    for layer in {(one.playbook, one.roles, one.home and one.home.root): one for one in layers}.values():
        home = layer.home or workspace
        if home.root not in places:
            roots = tuple(place.root for place in home.chain())
            places[home.root] = collection_folders(roots, AnsibleCfg(home.root))
        known = collections_of((f"{layer.playbook.parent}/collections", *places[home.root], *_of_machine()))
        roles = [home.roles[name].path for name in home.roles_of(layer.roles)]
        for path in (layer.playbook, *(role / name for role in roles for name in _FILES)):
            if path not in seen and path.is_file():
                seen.add(path)
                yield from _of_file(path, known)


def _of_file(path: Path, known: Mapping[str, str]) -> Iterator[Problem]:
    content = path.read_bytes()
    if not _FULL_NAME.search(content):
        return
    try:
        tree = yaml.compose(content, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return  # Ansible says what is wrong
    for name, line, kind in _used(tree):
        parts = _PARTS.fullmatch(name)
        if parts and parts[1] not in _OF_ANSIBLE and (what := _trouble(parts[1], parts[2], kind, known)):
            yield Problem(path, line, what)


def _used(node: yaml.Node | None) -> Iterator[tuple[str, int, str]]:
    """(name, line, `module` or `role`) of what the tasks of a list of plays or tasks use."""
    for task in node.value if isinstance(node, yaml.SequenceNode) else ():
        for key, value in task.value if isinstance(task, yaml.MappingNode) else ():
            if key.value in _TASKS:
                yield from _used(value)
                continue
            if isinstance(key.value, str) and "." in key.value:
                yield key.value, key.start_mark.line + 1, "module"
            if str(key.value).rpartition(".")[2] in _ROLES and isinstance(value, yaml.MappingNode):
                for name, role in value.value:
                    if name.value == "name" and isinstance(role, yaml.ScalarNode):
                        yield role.value, role.start_mark.line + 1, "role"


def _trouble(collection: str, name: str, kind: str, known: Mapping[str, str]) -> str:
    if collection not in known:
        near = did_you_mean(collection, known)
        return f"no collection '{collection}': no requirement brings it, and it is not on this machine{near}"
    has = _roles(known[collection]) if kind == "role" else _modules(known[collection])
    if name in has:
        return ""
    return f"the collection '{collection}' has no {kind} '{name}'{did_you_mean(name, has)}"


@cache
def _modules(folder: str) -> frozenset[str]:
    """What a collection has as modules and actions, and what it leads elsewhere (`plugin_routing`)."""
    names = set()
    for place in ("modules", "action"):
        for within, _, files in os.walk(f"{folder}/plugins/{place}"):
            below = os.path.relpath(within, f"{folder}/plugins/{place}").replace("/", ".").strip(".")
            names |= {f"{below}.{file}".strip(".").rpartition(".")[0] for file in files}
    return frozenset(names | _routed(Path(folder) / "meta" / "runtime.yml"))


def _routed(path: Path) -> set[str]:
    try:
        value = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    except (OSError, yaml.YAMLError):
        return set()
    routing = value.get("plugin_routing") if isinstance(value, dict) else None
    kinds = [routing.get(kind) for kind in ("modules", "action")] if isinstance(routing, dict) else []
    return {str(name) for kind in kinds if isinstance(kind, dict) for name in kind}


@cache
def _roles(folder: str) -> frozenset[str]:
    return frozenset(folders_in(f"{folder}/roles"))


@cache
def _of_machine() -> tuple[str, ...]:
    """Where collections of the machine are (ansible-core: `COLLECTIONS_SCAN_SYS_PATH`)."""
    places = ("/usr/share/ansible/collections", *(path for path in sys.path if path))
    return tuple(path for path in places if any(collections_in(path)))


#: Variables that tell Ansible itself something.
_TO_ANSIBLE = "ansible_"


def written_in_vain(workspace: Workspace, collector: Collector, segments: Iterable[Segment]) -> tuple[Problem, ...]:
    """The variables of some builds that no file names which their layers reach. Names can be computed, so that this is
    something to be warned of, and no mistake.
    """
    return tuple(map(from_here, _in_vain(workspace, collector, segments)))


def _in_vain(workspace: Workspace, collector: Collector, segments: Iterable[Segment]) -> Iterator[Problem]:
    told: set[Problem] = set()
    known: dict[tuple[int, frozenset[str]], list[tuple[str, str]]] = {}
    for segment in segments:
        for layer in segment.layers:
            given = frozenset(layer.vars).union(*(entry.vars for entry in layer.entries))
            if not given:
                continue
            reached = collector.reached(layer)  # kept by the collector, so that its identity says which it is
            if (id(reached), given) not in known:
                known[id(reached), given] = list(_unnamed(reached, given))
            for variable, near in known[id(reached), given]:
                path, line = place_of_variable(layer.home or workspace, segment.image.family, layer.name, variable)
                what = f"nothing in the roles of layer '{layer.name}' names the variable '{variable}'{near}"
                problem = Problem(path, line, what)
                if problem not in told:
                    told.add(problem)
                    yield problem


def _unnamed(reached: Reached, given: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(variable, the nearest word of the roles' defaults) of each variable that nothing names."""
    contents = [*(one for folder in reached.folders.values() for one in folder.contents), *reached.files.values()]
    for variable in sorted(given):
        word = re.compile(rb"(?<!\w)" + variable.encode() + rb"(?!\w)")
        if variable.startswith(_TO_ANSIBLE) or any(word.search(one) for one in contents if variable.encode() in one):
            continue
        counted = [item for folder in reached.folders.values() for item in folder.counted.items()]
        defaults = b"\n".join(content for name, content in counted if "defaults/" in name)
        words = {found.decode() for found in re.findall(rb"^(\w+):", defaults, re.MULTILINE)}
        yield variable, did_you_mean(variable, words)
