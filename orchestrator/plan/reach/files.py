"""The files that layers may reach, read once for all layers of a plan: roles, collections and single files."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from orchestrator.brought import BROUGHT
from orchestrator.plan.fingerprint import Entry, files_below
from orchestrator.plan.ignored import Ignored
from orchestrator.plan.reach.folder import Folder, names_of_file, read_folder
from orchestrator.plan.reach.names import Names, names_in
from orchestrator.plan.reach.settings import AnsibleCfg, collection_folders, collections_of

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace


class WorkspaceFiles:
    """The files of a workspace, of what it extends and of what was brought; each is read once.

    `given` are Ansible's variables of the environment, `ignored` what git ignores.
    """

    def __init__(self, workspace: Workspace, environment: Environment) -> None:
        self.workspace = workspace
        self.given = dict(environment.extra_vars)
        self.ignored = Ignored(tops=[level.root for level in workspace.chain() if level.origin.is_linked])
        self.unheard = Ignored(unheard=True)
        self._folders: dict[str, Folder] = {}
        self._files: dict[str, Names] = {}
        self._entries: dict[str, list[Entry]] = {}
        self._collections: dict[str, dict[str, str]] = {}

    @cached_property
    def roots(self) -> tuple[Path, ...]:
        """The workspace's folder, and those that it extends."""
        return tuple(within.root for within in self.workspace.chain())

    @cached_property
    def _innermost_first(self) -> tuple[Path, ...]:
        return tuple(sorted(self.roots, key=lambda root: len(root.parts), reverse=True))

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
        for root in self._innermost_first:  # one may lie in the folder of another
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
