"""What of `ansible.cfg` decides a result: where Ansible looks for collections and plugins, and what counts."""

from __future__ import annotations

import configparser
import os
import re
from functools import cached_property
from typing import TYPE_CHECKING

from orchestrator.brought import BROUGHT, COLLECTIONS, collections_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PLUGINS = re.compile(r"library|module_utils|\w+_plugins")
#: Sections and keys that decide how Ansible speaks, how long it waits, how much it does at once, and where passwords
#: and downloads come from (ansible-core, "Ansible Configuration Settings"): nothing of it is on the machine.
_SECTIONS_WITHOUT_EFFECT = frozenset({"galaxy", "colors", "diff"})
_KEYS_WITHOUT_EFFECT = re.compile(
    r"nocolor|force_color|nocows|cow_\w+|cowsay_\w+|bin_ansible_callbacks|\w*callback\w*_enabled|callback_whitelist"
    r"|stdout_callback|callback_result_format|result_format|callback_format_pretty|display_\w+|show_\w+|\w+_warnings"
    r"|localhost_warning|verbosity|error_on_undefined_vars_warning|forks|timeout|poll_interval|internal_poll_interval"
    r"|retry_files_\w+|vault_password_file|vault_identity_list|vault_identity|local_tmp|control_path|control_path_dir"
    r"|host_key_checking|retries"
)


class AnsibleCfg:
    """The `ansible.cfg` in a workspace's folder; empty when there is none.

    `roles_path` and `inventory` are not among what is asked: a build gives its own.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        parser = configparser.ConfigParser(interpolation=None, strict=False, inline_comment_prefixes=(";",))
        self._readable = True
        try:
            parser.read(root / "ansible.cfg", encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            parser = configparser.ConfigParser()  # Ansible will say what is wrong
            self._readable = False
        self._sections = {name: dict(parser[name]) for name in parser.sections()}
        self._defaults = self._sections.get("defaults", {})

    def counted(self) -> dict[str, bytes]:
        """The settings that can decide what a build makes, by `[section] key`; the file when it cannot be read."""
        path = self._root / "ansible.cfg"
        if not self._readable:
            return {"ansible.cfg": path.read_bytes()}
        return {
            f"[{section}] {key}": value.encode()
            for section, settings in self._sections.items()
            if section not in _SECTIONS_WITHOUT_EFFECT
            for key, value in settings.items()
            if not _KEYS_WITHOUT_EFFECT.fullmatch(key)
        }

    def plugin_folders(self) -> Iterator[str]:
        """The folders of modules and plugins."""
        for name in self._defaults:
            if _PLUGINS.fullmatch(name):
                yield from self._paths(name)

    @cached_property
    def collection_folders(self) -> tuple[str, ...]:
        """The folders of collections that the file names."""
        return tuple(path for name in ("collections_path", "collections_paths") for path in self._paths(name))

    def password_files(self) -> tuple[Path, ...]:
        """The files with passwords of Ansible Vault that the file names, if they are there."""
        listed = self._defaults.get("vault_identity_list", "").split(",")
        named = [self._defaults.get("vault_password_file", ""), *(one.rpartition("@")[2] for one in listed)]
        paths = (self._root / os.path.expanduser(one.strip()) for one in named if one.strip())
        return tuple(path for path in paths if path.is_file())

    def _paths(self, name: str) -> list[str]:
        """The folders that a setting names, relative to the file."""
        listed = (os.path.expanduser(path.strip()) for path in self._defaults.get(name, "").split(":"))
        return [os.path.normpath(os.path.join(self._root, path)) for path in listed if path]


def collection_folders(roots: tuple[Path, ...], settings: AnsibleCfg) -> tuple[str, ...]:
    """The folders in which a build looks for collections, in order: beside `ami.yml`, in what this workspace extends,
    in what `requirements.yml` brings, and where `ansible.cfg` says. Those that are not there are among them.

    Collections of the machine (`site-packages`, `/usr/share/ansible`) are like its Ansible: no input.
    """
    own = [f"{root}/{COLLECTIONS}" for root in roots]
    return tuple(dict.fromkeys((*own, f"{roots[0]}/{BROUGHT}/{COLLECTIONS}", *settings.collection_folders)))


def collections_of(folders: tuple[str, ...]) -> dict[str, str]:
    """The folder of each collection, by name: the first that Ansible finds."""
    found: dict[str, str] = {}
    for folder in folders:
        for name, path in collections_in(folder):
            found.setdefault(name, path)
    return found
