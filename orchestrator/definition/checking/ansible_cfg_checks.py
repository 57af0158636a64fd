"""What a workspace's `ansible.cfg` may not say: settings with which a build would not do what it says it does.

Everything else in it holds, in builds by hand too: Packer works in the workspace, where Ansible finds the file.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from orchestrator.brought import BROUGHT, REQUIREMENTS
from orchestrator.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The file in a workspace's folder.
FILE = "ansible.cfg"

_SECTION = re.compile(r"\[(?P<section>[^\]]+)\]")
_SETTING = re.compile(r"(?P<key>[A-Za-z_]\w*)\s*[=:]\s*(?P<value>.*?)\s*(?:\s;.*)?")
_FALSE = frozenset({"", "0", "f", "false", "n", "no", "off"})
_STRATEGIES = frozenset({"linear", "free", "host_pinned", "debug"})
_ROLES = frozenset({"roles", f"{BROUGHT}/roles"})


def problems_of_ansible_cfg(root: Path) -> Iterator[Problem]:
    """What is refused of the file in a workspace's folder; nothing when there is none."""
    path = root / FILE
    if not path.is_file():
        return
    section = ""
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if found := _SECTION.match(line):
            section = found["section"]
        elif (setting := _SETTING.fullmatch(line)) and (why := _refusal(section, setting["key"], setting["value"])):
            yield Problem(path, number, why)


def _refusal(section: str, key: str, value: str) -> str:
    """Why a setting is refused; empty when it is not."""
    if key in ("ask_pass", "become_ask_pass", "ask_vault_pass") and value.lower() not in _FALSE:
        return f"'{key}' asks a person, and nobody is there while an image is built: take it out"
    if section == "tags" and value:
        return f"'{key}' in [tags] leaves out tasks of every role, those of the seal among them: take it out"
    asked = _REFUSALS.get(key)
    return asked(value) if asked is not None and section == "defaults" else ""


def _transport(value: str) -> str:
    if value in ("ssh", "smart"):
        return ""
    return f"'transport = {value}': the machine of a build is reached over SSH, and anything else is another machine"


def _log_path(value: str) -> str:
    return "'log_path' would write down secrets that the factory hides: its own logs are in .ami/runs/" if value else ""


def _strategy(value: str) -> str:
    if value.removeprefix("ansible.builtin.") in _STRATEGIES:
        return ""
    return f"'strategy = {value}' is not Ansible's own; the factory uses Mitogen's where it works"


def _roles_path(value: str) -> str:
    paths = [posixpath.normpath(path.strip()) for path in value.split(":") if path.strip()]
    others = [path for path in paths if path not in _ROLES]
    if not others:
        return ""
    return f"'roles_path': a build looks for roles in roles/ alone; let {REQUIREMENTS} bring those of '{others[0]}'"


_REFUSALS = {"transport": _transport, "log_path": _log_path, "strategy": _strategy, "roles_path": _roles_path}
