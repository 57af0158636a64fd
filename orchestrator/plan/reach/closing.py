"""The work on one layer: names lead to files, whose names lead to more, until nothing new is named."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from orchestrator.brought import BROUGHT
from orchestrator.definition.layer import DEFAULT
from orchestrator.definition.roles.group_vars import FOLDER, files_of, is_read
from orchestrator.plan.fingerprint import canonical
from orchestrator.plan.ignored import is_left_behind
from orchestrator.plan.planned_layer import SEAL
from orchestrator.plan.reach import collections
from orchestrator.plan.reach.counted import Counted
from orchestrator.plan.reach.folder import PLACES, Reached, is_unasked
from orchestrator.plan.reach.names import Names, names_of, pattern_of
from orchestrator.plan.reach.roles import NamedRoles
from orchestrator.plan.reach.waiting import Waiting, has_wildcards, leads_out, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.plan.fingerprint import Entry
    from orchestrator.plan.planned_layer import PlannedLayer
    from orchestrator.plan.reach.files import WorkspaceFiles


def given_to(layer: PlannedLayer) -> list[Any]:
    """What the layer gives to Ansible: its variables, and those of single roles with their conditions."""
    return [dict(layer.vars), *([dict(entry.vars), list(entry.when)] for entry in layer.entries if not entry.is_plain)]


class Closing:
    """Finds everything that one layer reaches. `names` are those that its variables hold."""

    def __init__(self, files: WorkspaceFiles, layer: PlannedLayer, names: Names) -> None:
        self._files = files
        self._layer = layer
        self._beside = str(layer.playbook.parent)
        self._counted = Counted(files)
        self._roles = NamedRoles(self._counted, layer)
        #: How many contents were looked through for names of collections.
        self._looked = 0
        self._counted.read["the variables of the layer"] = names
        self._counted.read["extra_vars of the environment"] = names_of(files.given)
        given = given_to(layer) if names.texts else []
        self._counted.contents += [canonical(given), canonical(files.given), " ".join(layer.roles).encode()]

    def reached(self) -> Reached:
        """What counts for the layer in the end."""
        self._begin()
        before = -1
        while before != (before := self._counted.size):
            self._follow()
        if self._names_anything():
            self._take_everything()
        for where, names in self._counted.read.items():
            for what in sorted(names.uncounted):
                self._counted.note(f"{where} {what}: nothing is built again when the answer changes")
        texts = frozenset(self._waiting().index)
        return Reached(
            self._counted.folders, self._counted.single, tuple(self._counted.notes), texts, self._roles.asked
        )

    def _begin(self) -> None:
        """Count what Ansible reads unasked: the playbook, its roles, the variables of its groups, plugins."""
        counted, layer = self._counted, self._layer
        counted.file(self._files.shown(str(layer.playbook)), str(layer.playbook), in_playbook=True)
        for role in self._files.workspace.roles_of(layer.roles):
            self._role_of_layer(role, str(self._files.workspace.role_path(role)))
        for entry in self._entries_beside():
            if is_unasked(entry.name) and not entry.aside and self._is_of_groups(entry.name):
                counted.entry(entry)
        for folder in layer.group_folders:
            for file in (*files_of(folder, layer.groups), *sorted((folder / "host_vars").rglob("*"))):
                if file.is_file() and not is_left_behind(file.name):
                    counted.path(str(file))
        for path in self._files.settings.plugin_folders():
            counted.path(path)

    def _is_of_groups(self, name: str) -> bool:
        """Whether a file beside the playbook is read for the layer's machine: `group_vars` of other groups are not."""
        return not name.startswith(f"{FOLDER}/") or is_read(name, self._layer.groups)

    def _role_of_layer(self, name: str, path: str) -> None:
        """A role that the layer applies; of one that a collection brings the whole collection."""
        for known, folder in self._files.collections(self._beside).items():
            if path.startswith(f"{folder}/roles/"):
                self._counted.collection(known, folder)
                return
        self._counted.role(name, path)

    @cached_property
    def _playbooks(self) -> frozenset[str]:
        """The playbooks of all layers that lie beside this one's: another layer's count when they are imported."""
        return frozenset(f"{self._beside}/{name}.yml" for name in (*self._files.workspace.layers, DEFAULT, SEAL))

    def _entries_beside(self) -> list[Entry]:
        """The files beside the playbook, other than roles and collections, which are reached by their names."""
        entries = self._files.entries(self._beside)
        return [entry for entry in entries if not entry.name.startswith(("roles/", "collections/"))]

    def _waiting(self) -> Waiting:
        """What counts only when named, by now. Ansible looks in each role, beside the playbook and at the root."""
        root = self._files.roots[0]
        found = [entry for folder in self._counted.folders.values() for entry in folder.aside]
        found += self._entries_beside()
        for place in PLACES:
            if place and os.path.isdir(f"{root}/{place}"):
                found += self._files.entries(f"{root}/{place}")
        folders = (*self._counted.roles, self._beside)
        bases = [f"{folder}/{place}".rstrip("/") for folder in folders for place in PLACES]
        return waiting(found, [*bases, *(f"{root}/{place}" for place in PLACES if place)])

    def _follow(self) -> None:
        """Follow every name that is known by now."""
        read = self._counted.read
        for where, names in list(read.items()):
            for role in sorted(names.roles):
                self._roles.follow(role, where)
        self._count_collections()
        there = self._waiting()
        for where, names in list(read.items()):
            for text in sorted(names.texts | names.sources):
                for one in self._substituted(text):
                    self._text(there, one, where, source=text in names.sources)
            for pattern in sorted(names.patterns):
                self._pattern(there, pattern, where)

    def _count_collections(self) -> None:
        """Count each collection that something names, and every one where a name is computed."""
        known = self._files.collections(self._beside)
        if not known:
            return
        counted = self._counted
        for content in counted.contents[self._looked :]:
            if (text := collections.computed(content)) and known.keys() - counted.folders.keys():
                counted.note(f"the name of a module or filter is computed ('{text}'): every collection counts")
                named = list(known)
            else:
                named = [name for name in known if name not in counted.folders and collections.uses(content, name)]
            self._looked += 1
            for name in named:
                counted.collection(name, known[name])

    def _text(self, there: Waiting, text: str, where: str, *, source: bool) -> None:
        """Count the files that a text names: those that wait, and those of a path that leads elsewhere."""
        if not text or "{{" in text or "\n" in text or "\0" in text:
            return
        for entry in there.named(text):
            self._counted.entry(entry)
        if not leads_out(text):
            return
        name = os.path.normpath(text)
        folder, _, last = name.rpartition("/")
        name = folder if has_wildcards(last) else name
        if os.path.isabs(name):
            self._absolute(text, name, where, source=source)
            return
        for base in there.bases:
            if os.path.isdir(base) and ".." in text.split("/"):
                self._counted.path(os.path.normpath(f"{base}/{name}"))

    def _absolute(self, text: str, path: str, where: str, *, source: bool) -> None:
        roots = self._files.roots
        if source and any(root.is_relative_to(path) for root in roots):
            self._counted.read[where].anything.add(f"'{text}' is a folder that holds the workspace")
        elif source or any(path.startswith(f"{root}/") for root in roots):
            self._counted.path(path)

    def _pattern(self, there: Waiting, pattern: str, where: str) -> None:
        """Count every file that a computed name may stand for. Ansible takes no playbook by such a name."""
        for one in self._substituted(pattern):
            shape = pattern_of(one)
            found = there.computed(shape, self._playbooks)
            if found:
                self._counted.note(
                    f"{where} computes the name of a file ('{pattern}'): every file counts that it could be"
                )
            for entry in found:
                self._counted.entry(entry)
            if "*" not in shape:
                self._text(there, shape, where, source=True)
                continue
            folder = shape.partition("*")[0].rpartition("/")[0]
            if folder and leads_out(folder):
                self._text(there, folder, where, source=True)

    def _substituted(self, text: str) -> Iterator[str]:
        """A text with the folders that Ansible knows by itself."""
        if "{{" not in text:
            yield text
            return
        text = self._beside.join(re.split(r"\{\{\s*playbook_dir\s*\}\}", text))
        around = re.split(r"\{\{\s*role_path\s*\}\}", text)
        yield from (role.join(around) for role in self._counted.roles) if len(around) > 1 else (text,)

    def _names_anything(self) -> bool:
        read = self._counted.read
        for where, names in read.items():
            for why in sorted(names.anything):
                self._counted.note(f"{where}: {why}: every file of the workspace counts")
        return any(names.anything for names in read.values())

    def _take_everything(self) -> None:
        for root in self._files.roots:
            for entry in self._files.entries(str(root)):
                if not entry.aside:
                    self._counted.entry(entry)
        for name, path in self._roles.everywhere():
            if f"/{BROUGHT}/" in path:
                self._counted.role(name, path)
        for name, path in self._files.collections(self._beside).items():
            self._counted.collection(name, path)
