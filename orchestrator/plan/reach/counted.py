"""What one layer reaches, as it grows: the roles, collections and files that count, and the names in them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.brought import folders_in
from orchestrator.plan.fingerprint import NOT_APPLIED, Entry

if TYPE_CHECKING:
    from orchestrator.plan.reach.files import WorkspaceFiles
    from orchestrator.plan.reach.folder import Folder
    from orchestrator.plan.reach.names import Names

_NOT_OF_COLLECTIONS = NOT_APPLIED | {"changelogs", "FILES.json", "plugins/README.md"}


@dataclass
class Counted:
    """What counts for one layer so far. Its methods add to it; what is added twice counts once."""

    files: WorkspaceFiles
    #: The names of the roles, by their folders.
    roles: dict[str, str] = field(default_factory=dict)
    #: Roles and collections.
    folders: dict[str, Folder] = field(default_factory=dict)
    #: Files outside of these, by the names that people know.
    single: dict[str, bytes] = field(default_factory=dict)
    #: The names in everything that counts, by where they stand.
    read: dict[str, Names] = field(default_factory=dict)
    contents: list[bytes] = field(default_factory=list)
    #: What a person is told of names that are computed.
    notes: dict[str, None] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    followed: set[str] = field(default_factory=set)

    @property
    def size(self) -> int:
        """A number that grows with everything that is added."""
        return len(self.read) + len(self.single) + len(self.folders)

    def note(self, text: str) -> None:
        """Tell a person something, once."""
        self.notes.setdefault(text)

    def path(self, path: str) -> None:
        """Count a file or a folder that something names by a way of its own."""
        if path in self.followed or any(path == role or path.startswith(f"{role}/") for role in self.roles):
            return
        self.followed.add(path)
        above = any(str(root) == path or str(root).startswith(f"{path.rstrip('/')}/") for root in self.files.roots)
        if os.path.isfile(path):
            self.file(self.files.shown(path), path)
        elif os.path.isdir(path) and not above:
            for entry in self.files.entries(path):
                self.entry(entry)

    def entry(self, entry: Entry) -> None:
        """Count one of the files of a folder; of a link its target counts, and not what lies there."""
        if not entry.link:
            self.file(self.files.shown(entry.path), entry.path)
        elif entry.path not in self.taken:
            self.taken.add(entry.path)
            name, content = Entry(self.files.shown(entry.path), entry.path, link=entry.link).counted()
            self._keep(name, entry.path, content)

    def file(self, name: str, path: str, *, in_playbook: bool = False) -> None:
        """Count a file by the name that people know; the mark of a program is left out for a playbook."""
        if path in self.taken:
            return
        self.taken.add(path)
        try:
            marked, content = Entry(name, path).counted()
        except OSError:
            return  # it is not ours to read, and not Ansible's
        self._keep(marked[2:] if in_playbook else marked, path, content)

    def _keep(self, name: str, path: str, content: bytes) -> None:
        self.single[name] = content
        self.contents.append(content)
        self.read[self.files.shown(path)] = self.files.names(path, content)

    def role(self, name: str, path: str) -> None:
        """Count a whole role."""
        if path in self.roles:
            return
        self.roles[path] = name
        folder = self.files.folder(path, NOT_APPLIED)
        shown = self.files.shown(path)
        self.folders[shown if shown.startswith("roles/") else f"roles/{shown}"] = folder
        self._folder(folder, shown)

    def collection(self, name: str, path: str) -> None:
        """Count a whole collection, with its roles."""
        if name in self.folders:
            return
        folder = self.files.folder(path, _NOT_OF_COLLECTIONS)
        self.folders[name] = folder
        self._folder(folder, self.files.shown(path))
        for role in folders_in(f"{path}/roles"):
            self.roles.setdefault(f"{path}/roles/{role}", f"{name}.{role}")

    def _folder(self, folder: Folder, shown: str) -> None:
        self.contents += folder.contents
        self.read.update({f"{shown}/{name}": names for name, names in folder.names.items()})
