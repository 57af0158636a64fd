"""Which files a layer can reach: what Ansible may read while it applies the layer's playbook and roles.

The search paths are those of ansible-core (`DataLoader.path_dwim_relative_stack`, `RoleDefinition._load_role_path`) as
a build sets them: `roles/` of the workspace and of what it extends, and what lies beside the playbook. Roles count
whole. Everything else counts when something that is reached names it. See docs/decisions/0019.
"""

from __future__ import annotations

import fnmatch
import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from orchestrator.brought import BROUGHT, folders_in
from orchestrator.definition.roles.group_vars import FOLDER, files_of, is_read
from orchestrator.plan import collections
from orchestrator.plan.fingerprint import NOT_APPLIED, Entry, canonical, files_below
from orchestrator.plan.folder import PLACES, Folder, Reached, is_unasked, names_of_file, read_folder
from orchestrator.plan.ignored import Ignored, is_left_behind
from orchestrator.plan.names import LAYER_ROLES, Names, known_text, names_in, names_of, pattern_of, pieces
from orchestrator.plan.planned_layer import SEAL
from orchestrator.plan.settings import AnsibleCfg, collection_folders, collections_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.planned_layer import PlannedLayer

_NOT_OF_COLLECTIONS = NOT_APPLIED | {"changelogs", "FILES.json", "plugins/README.md"}
_GLOB = re.compile(r"[*?\[]")


class FileSearch:
    """Finds what the layers of a workspace reach; each file is read once.

    `given` are Ansible's variables of the environment, `ignored` what git ignores.
    """

    def __init__(self, workspace: Workspace, environment: Environment) -> None:
        self.workspace = workspace
        self.given = dict(environment.extra_vars)
        self.ignored = Ignored()
        self.unheard = Ignored(unheard=True)
        self._folders: dict[str, Folder] = {}
        self._files: dict[str, Names] = {}
        self._entries: dict[str, list[Entry]] = {}
        self._known: dict[tuple[Any, ...], Reached] = {}
        self._collections: dict[str, dict[str, str]] = {}

    @cached_property
    def roots(self) -> tuple[Path, ...]:
        """The workspace's folder, and those that it extends."""
        return tuple(within.root for within in self.workspace.chain())

    def of(self, layer: PlannedLayer) -> Reached:
        """What a layer reaches. Layers that differ in variables only, and name nothing there, share the answer."""
        key: tuple[Any, ...] = (layer.playbook, layer.roles, layer.groups, layer.group_folders)
        if key not in self._known:
            self._known[key] = _Closing(self, layer, Names()).reached()
        plain = self._known[key]
        names = names_of(_given(layer))
        written = canonical(_given(layer))
        used = any(collections.uses(written, name) for name in self.collections(str(layer.playbook.parent)))
        told = {text for text in pieces(names) if text in plain.watched or _leads_out(text)}
        if not (plain.asked or told or used or names.patterns or names.anything):
            return plain
        key = (*key, written)
        if key not in self._known:
            self._known[key] = _Closing(self, layer, names).reached()
        return self._known[key]

    def folder(self, path: str, leave_out: frozenset[str]) -> Folder:
        """A role or a collection."""
        if path not in self._folders:
            # What comes from elsewhere is what its lock says, whatever a `.gitignore` there or above says.
            ignored = self.unheard if f"/{BROUGHT}/" in path else self.ignored
            self._folders[path] = read_folder(path, leave_out, ignored)
        return self._folders[path]

    def entries(self, path: str) -> list[Entry]:
        """The files below any other folder."""
        if path not in self._entries:
            self._entries[path] = files_below(path, frozenset({".git", ".ami", ".venv"}), self.ignored)
        return self._entries[path]

    def names(self, path: str, content: bytes) -> Names:
        """The names in a file that something names itself."""
        if path not in self._files:
            is_yaml = path.endswith((".yml", ".yaml", ".json"))
            names = names_of_file(path, content) if "_plugins/" in path else names_in(content, is_yaml=is_yaml)
            self._files[path] = names
        return self._files[path]

    def shown(self, path: str) -> str:
        """A path as a person knows it: within the workspace, or within the one that it extends, or as it is."""
        for root in self.roots:
            if path.startswith(f"{root}/"):
                return path[len(str(root)) + 1 :].removeprefix(f"{BROUGHT}/")
        return path

    @cached_property
    def settings(self) -> AnsibleCfg:
        """What the workspace's `ansible.cfg` says, which names files too."""
        return AnsibleCfg(self.workspace.root)

    def collections(self, beside: str) -> dict[str, str]:
        """The folder of each collection that playbooks in the folder `beside` can use, by name."""
        if beside not in self._collections:
            folders = (f"{beside}/collections", *collection_folders(self.roots, self.settings))
            self._collections[beside] = collections_of(folders)
        return self._collections[beside]


def _given(layer: PlannedLayer) -> list[Any]:
    """What the layer gives to Ansible: its variables, and those of single roles with their conditions."""
    return [dict(layer.vars), *([dict(entry.vars), list(entry.when)] for entry in layer.entries if not entry.is_plain)]


def _is_meant_by_nobody(path: str) -> bool:
    """Whether a file is a leftover that no computed name means. Below a folder of `files/` it may be copied with it."""
    return is_left_behind(path.rpartition("/")[2]) and re.search(r"/(files|templates)/.*/", path) is None


def _leads_out(text: str) -> bool:
    """Whether a text names a file by a path that may lie outside of where Ansible looks."""
    return text.startswith(("/", "~", "{{")) or ".." in text.split("/")


@dataclass
class _Closing:
    """The work on one layer: names lead to files, whose names lead to more."""

    reach: FileSearch
    layer: PlannedLayer
    given: Names
    roles: dict[str, str] = field(default_factory=dict)
    folders: dict[str, Folder] = field(default_factory=dict)
    read: dict[str, Names] = field(default_factory=dict)
    contents: list[bytes] = field(default_factory=list)
    #: How many of them were looked through for names of collections.
    looked: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    counted: set[str] = field(default_factory=set)
    notes: dict[str, None] = field(default_factory=dict)
    done: set[tuple[str, str]] = field(default_factory=set)
    asked: bool = False
    index: dict[str, set[str]] = field(default_factory=dict)
    waiting: dict[str, Entry] = field(default_factory=dict)
    bases: list[str] = field(default_factory=list)

    def reached(self) -> Reached:
        self.read["the variables of the layer"] = self.given
        self.read["extra_vars of the environment"] = names_of(self.reach.given)
        given = _given(self.layer) if self.given.texts else []
        self.contents += [canonical(given), canonical(self.reach.given), " ".join(self.layer.roles).encode()]
        self._take(self.reach.shown(str(self.layer.playbook)), str(self.layer.playbook), in_playbook=True)
        for role in self.reach.workspace.roles_of(self.layer.roles):
            self._role_of_layer(role, str(self.reach.workspace.role_path(role)))
        for entry in self._beside():
            if is_unasked(entry.name) and not entry.aside and self._is_of_groups(entry.name):
                self._take_entry(entry)
        for folder in self.layer.group_folders:
            for file in (*files_of(folder, self.layer.groups), *sorted((folder / "host_vars").rglob("*"))):
                if file.is_file() and not is_left_behind(file.name):
                    self._path(str(file))
        for path in self.reach.settings.plugin_folders():
            self._path(path)
        before = -1
        while before != (before := len(self.read) + len(self.files) + len(self.folders)):
            self._close()
        if self._anything():
            self._everything()
        return Reached(self.folders, self.files, tuple(self.notes), frozenset(self._index()), self.asked)

    def _is_of_groups(self, name: str) -> bool:
        """Whether a file beside the playbook is read for the layer's machine: `group_vars` of other groups are not."""
        return not name.startswith(f"{FOLDER}/") or is_read(name, self.layer.groups)

    def _role_of_layer(self, name: str, path: str) -> None:
        """A role that the layer applies; of one that a collection brings the whole collection."""
        for known, folder in self.reach.collections(self.beside).items():
            if path.startswith(f"{folder}/roles/"):
                if known not in self.folders:
                    self._collection(known, folder)
                return
        self._role(name, path)

    @property
    def beside(self) -> str:
        return str(self.layer.playbook.parent)

    @cached_property
    def playbooks(self) -> frozenset[str]:
        """The playbooks of all layers that lie beside this one's: another layer's count when they are imported."""
        return frozenset(f"{self.beside}/{name}.yml" for name in (*self.reach.workspace.layers, SEAL))

    def _beside(self) -> list[Entry]:
        """The files beside the playbook, other than roles and collections, which are reached by their names."""
        entries = self.reach.entries(self.beside)
        return [entry for entry in entries if not entry.name.startswith(("roles/", "collections/"))]

    def _bases(self) -> list[str]:
        """Folders in which Ansible looks for a file: of each role, of the playbook, and where Packer runs."""
        root = self.reach.roots[0]
        places = [f"{folder}/{place}".rstrip("/") for folder in (*self.roles, self.beside) for place in PLACES]
        return [*places, *(f"{root}/{place}" for place in PLACES if place)]

    def _waiting(self) -> dict[str, Entry]:
        """Files that count only when something names them, by their paths."""
        root = self.reach.roots[0]
        found = [entry for folder in self.folders.values() for entry in folder.aside]
        found += self._beside()
        for place in PLACES:
            if place and os.path.isdir(f"{root}/{place}"):
                found += self.reach.entries(f"{root}/{place}")
        return {entry.path: entry for entry in found}

    def _index(self) -> dict[str, set[str]]:
        """Every name by which a waiting file, or a folder above it, can be found, with the paths of those files."""
        index: dict[str, set[str]] = {}
        bases = self._bases()
        for path in self._waiting():
            for base in bases:
                if path.startswith(f"{base}/"):
                    name = path[len(base) + 1 :]
                    index.setdefault(base, set()).add(path)
                    while name:
                        index.setdefault(name, set()).add(path)
                        index.setdefault(f"{base}/{name}", set()).add(path)
                        name = name.rpartition("/")[0]
        for place in PLACES[1:]:  # `src: ./` and the like
            for base in bases:
                if base.endswith(f"/{place}"):
                    index.setdefault(".", set()).update(index.get(base, ()))
        return index

    def _close(self) -> None:
        """Follow every name that is known by now."""
        for where, names in list(self.read.items()):
            for role in sorted(names.roles):
                self._roles_named(role, where)
        self._collections_used()
        self.index, self.waiting, self.bases = self._index(), self._waiting(), self._bases()
        for where, names in list(self.read.items()):
            for text in sorted(names.texts | names.sources):
                for one in self._substituted(text):
                    self._text(one, where, source=text in names.sources)
            for pattern in sorted(names.patterns):
                self._pattern(pattern, where)

    def _collections_used(self) -> None:
        """Count each collection that something names, and every one where a name is computed."""
        known = self.reach.collections(self.beside)
        if not known:
            return
        for content in self.contents[self.looked :]:
            if (text := collections.computed(content)) and known.keys() - self.folders.keys():
                self._note(f"the name of a module or filter is computed ('{text}'): every collection counts")
                waiting = list(known)
            else:
                waiting = [name for name in known if name not in self.folders and collections.uses(content, name)]
            self.looked += 1
            for name in waiting:
                self._collection(name, known[name])

    def _text(
        self,
        text: str,
        where: str,
        *,
        source: bool,
    ) -> None:
        if not text or "{{" in text or "\n" in text or "\0" in text:
            return
        name = os.path.normpath(text)
        found = set(self.index.get(name, ()))
        if _GLOB.search(text):
            found |= {path for known, paths in self.index.items() if fnmatch.fnmatchcase(known, name) for path in paths}
        for path in sorted(found):
            self._take_entry(self.waiting[path])
        if not _leads_out(text):
            return
        folder, _, last = name.rpartition("/")
        name = folder if _GLOB.search(last) else name
        if os.path.isabs(name):
            if source and any(root.is_relative_to(name) for root in self.reach.roots):
                self.read[where].anything.add(f"'{text}' is a folder that holds the workspace")
            elif source or self._inside(name):
                self._path(name)
            return
        for base in self.bases:
            path = os.path.normpath(f"{base}/{name}")
            if os.path.isdir(base) and ".." in text.split("/"):
                self._path(path)

    def _pattern(
        self,
        pattern: str,
        where: str,
    ) -> None:
        for one in self._substituted(pattern):
            shape = pattern_of(one)
            found = {path for known, paths in self.index.items() if fnmatch.fnmatchcase(known, shape) for path in paths}
            found -= self.playbooks  # Ansible takes no playbook by a name that is computed while it runs
            found = {path for path in found if not _is_meant_by_nobody(path)}
            if FOLDER not in shape:  # Ansible takes these by the names of groups, and the machine's count already
                found = {path for path in found if f"/{FOLDER}/" not in path}
            if found:
                self._note(f"{where} computes the name of a file ('{pattern}'): every file counts that it could be")
            for path in sorted(found):
                self._take_entry(self.waiting[path])
            if "*" not in shape:
                self._text(shape, where, source=True)
                continue
            folder = shape.partition("*")[0].rpartition("/")[0]
            if folder and _leads_out(folder):
                self._text(folder, where, source=True)

    def _substituted(self, text: str) -> Iterator[str]:
        """A text with the folders that Ansible knows by itself."""
        if "{{" not in text:
            yield text
            return
        text = self.beside.join(re.split(r"\{\{\s*playbook_dir\s*\}\}", text))
        pieces_of = re.split(r"\{\{\s*role_path\s*\}\}", text)
        yield from (role.join(pieces_of) for role in self.roles) if len(pieces_of) > 1 else (text,)

    def _inside(self, path: str) -> bool:
        return any(path.startswith(f"{root}/") for root in self.reach.roots)

    def _path(self, path: str) -> None:
        """Count a file or a folder that something names by a way of its own."""
        if ("path", path) in self.done or any(path == role or path.startswith(f"{role}/") for role in self.roles):
            return
        self.done.add(("path", path))
        above = any(str(root) == path or str(root).startswith(f"{path.rstrip('/')}/") for root in self.reach.roots)
        if os.path.isfile(path):
            self._take(self.reach.shown(path), path)
        elif os.path.isdir(path) and not above:
            for entry in self.reach.entries(path):
                self._take_entry(entry)

    def _take_entry(self, entry: Entry) -> None:
        if not entry.link:
            self._take(self.reach.shown(entry.path), entry.path)
        elif entry.path not in self.counted:
            self.counted.add(entry.path)
            name, content = Entry(self.reach.shown(entry.path), entry.path, link=entry.link).counted()
            self._keep(name, entry.path, content)

    def _take(self, name: str, path: str, *, in_playbook: bool = False) -> None:
        if path in self.counted:
            return
        self.counted.add(path)
        try:
            marked, content = Entry(name, path).counted()
        except OSError:
            return  # it is not ours to read, and not Ansible's
        self._keep(marked[2:] if in_playbook else marked, path, content)

    def _keep(self, name: str, path: str, content: bytes) -> None:
        self.files[name] = content
        self.contents.append(content)
        self.read[self.reach.shown(path)] = self.reach.names(path, content)

    def _role(self, name: str, path: str) -> None:
        if path in self.roles:
            return
        self.roles[path] = name
        folder = self.reach.folder(path, NOT_APPLIED)
        shown = self.reach.shown(path)
        self.folders[shown if shown.startswith("roles/") else f"roles/{shown}"] = folder
        self._folder(folder, shown)

    def _collection(self, name: str, path: str) -> None:
        if name in self.folders:
            return
        folder = self.reach.folder(path, _NOT_OF_COLLECTIONS)
        self.folders[name] = folder
        self._folder(folder, self.reach.shown(path))
        for role in folders_in(f"{path}/roles"):
            self.roles.setdefault(f"{path}/roles/{role}", f"{name}.{role}")

    def _folder(self, folder: Folder, shown: str) -> None:
        self.contents += folder.contents
        self.read.update({f"{shown}/{name}": names for name, names in folder.names.items()})

    def _roles_named(self, name: str, where: str) -> None:
        if name == LAYER_ROLES and "layer_roles" not in self.reach.given:
            return  # the layer's own
        if "{{" not in name and "{%" not in name:
            self._literal_role(name)
            return
        self.asked = True
        for given in (self.reach.given, self.layer.shared_vars):
            if (value := known_text(name, given)) is not None:
                self._literal_role(value)
                return
        shape = pattern_of(name)
        self._note(f"{where} computes the name of a role ('{name}'): every role counts that it could be")
        for known, path in self._all_roles():
            if fnmatch.fnmatchcase(known, shape):
                self._role(known, path)
        for known, path in self.reach.collections(self.beside).items():
            roles = folders_in(f"{path}/roles")
            if known not in self.folders and any(fnmatch.fnmatchcase(f"{known}.{role}", shape) for role in roles):
                self._collection(known, path)

    def _literal_role(self, name: str) -> None:
        if not name or ("role", name) in self.done:
            return
        search = [f"{self.beside}/roles", *(f"{root}/roles" for root in self.reach.roots)]
        search += [f"{self.reach.roots[0]}/{BROUGHT}/roles"]
        search += [os.path.dirname(role) for role in self.roles] + [self.beside]
        for base in search:
            path = os.path.normpath(os.path.join(base, name))
            if os.path.isdir(path):
                self.done.add(("role", name))
                self._role(os.path.basename(path), path)
                return

    def _all_roles(self) -> Iterable[tuple[str, str]]:
        places = [f"{self.beside}/roles", *(f"{root}/roles" for root in self.reach.roots)]
        places.append(f"{self.reach.roots[0]}/{BROUGHT}/roles")
        found: dict[str, str] = {}
        for place in places:
            for name in folders_in(place):
                if not name.startswith("."):
                    found.setdefault(name, f"{place}/{name}")
        return found.items()

    def _anything(self) -> bool:
        for where, names in self.read.items():
            for why in sorted(names.anything):
                self._note(f"{where}: {why}: every file of the workspace counts")
        return any(names.anything for names in self.read.values())

    def _everything(self) -> None:
        for root in self.reach.roots:
            for entry in self.reach.entries(str(root)):
                if not entry.aside:
                    self._take_entry(entry)
        for name, path in self._all_roles():
            if f"/{BROUGHT}/" in path:
                self._role(name, path)
        for name, path in self.reach.collections(self.beside).items():
            self._collection(name, path)

    def _note(self, text: str) -> None:
        self.notes.setdefault(text)
