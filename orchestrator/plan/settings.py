"""What of `ansible.cfg` decides where Ansible looks for collections and plugins."""

from __future__ import annotations

import configparser
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PLUGINS = re.compile(r"library|module_utils|\w+_plugins")


class AnsibleCfg:
    """The section `[defaults]` of the `ansible.cfg` in a workspace's folder; empty when there is none.

    `roles_path` and `inventory` are not among what is asked: a build gives its own.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        parser = configparser.ConfigParser(interpolation=None, strict=False, inline_comment_prefixes=(";",))
        try:
            parser.read(root / "ansible.cfg", encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            parser = configparser.ConfigParser()  # Ansible will say what is wrong
        self._defaults = dict(parser["defaults"]) if parser.has_section("defaults") else {}

    def plugin_folders(self) -> Iterator[str]:
        """The folders of modules and plugins."""
        for name in self._defaults:
            if _PLUGINS.fullmatch(name):
                yield from self._paths(name)

    def collections(self, beside: str) -> Iterator[tuple[str, str]]:
        """(name, folder) of each collection that lies below a folder of playbooks, or where a setting says.

        Collections of the machine (`site-packages`, `/usr/share/ansible`) are like its Ansible: no input.
        """
        for root in (f"{beside}/collections", *self._paths("collections_path"), *self._paths("collections_paths")):
            base = root if root.endswith("ansible_collections") else f"{root}/ansible_collections"
            for space in folders_in(base):
                for name in folders_in(f"{base}/{space}"):
                    yield f"{space}.{name}", f"{base}/{space}/{name}"

    def _paths(self, name: str) -> list[str]:
        """The folders that a setting names, relative to the file."""
        listed = (os.path.expanduser(path.strip()) for path in self._defaults.get(name, "").split(":"))
        return [os.path.normpath(os.path.join(self._root, path)) for path in listed if path]


def folders_in(path: str) -> list[str]:
    """The names of the folders in a folder, sorted; none when it is not there."""
    return sorted(entry.name for entry in os.scandir(path) if entry.is_dir()) if os.path.isdir(path) else []
