"""One folder whose files Ansible may read, read once: its files, and the names that stand in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.plan.fingerprint import Entry, files_below
from orchestrator.plan.ignored import is_left_behind
from orchestrator.plan.reach.names import Names, names_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.plan.ignored import Ignored

#: What Ansible loads unasked, whether git ignores it or not.
_UNASKED = re.compile(
    r"(tasks|handlers|vars|defaults|meta)/(main|argument_specs)(\.ya?ml|\.json)?|(vars|defaults)/main/.*"
    r"|(library|module_utils|\w+_plugins|group_vars|host_vars)/.*"
)
_YAML = (".yml", ".yaml", ".json")
#: Where tasks take files by their bare names; YAML in `files/` is read by Ansible only when something names it.
PLACES = ("", "files", "templates", "tasks", "vars", "handlers", "defaults", "meta")
#: What lets a plugin, which runs on this machine, read any file of it.
_READS = re.compile(rb"\b(open|os|io|subprocess|pathlib|shutil|glob|importlib|exec|eval|__import__)\b")


@dataclass(frozen=True)
class Folder:
    """The files of a folder: those that always count, with the names in each, and those that must be named to count."""

    path: str
    counted: Mapping[str, bytes]
    names: Mapping[str, Names]
    aside: tuple[Entry, ...]
    contents: tuple[bytes, ...]


@dataclass(frozen=True)
class Reached:
    """What counts of a workspace for a layer."""

    #: Those that count whole, by the names of their parts.
    folders: Mapping[str, Folder]
    #: Single files, by their names.
    files: Mapping[str, bytes]
    #: What nobody can tell before it runs, and what counts for that reason.
    notes: tuple[str, ...]
    #: The names by which more files could be reached.
    watched: frozenset[str] = frozenset()
    #: The variables of the layer decide which roles there are.
    asked: bool = False


def read_folder(path: str, leave_out: frozenset[str], ignored: Ignored) -> Folder:
    """Read a role or a collection; of its files only leftovers and ignored ones must be named to count."""
    entries = files_below(path, leave_out, ignored)
    aside = tuple(entry for entry in entries if entry.aside and not is_unasked(entry.name))
    left = {entry.name for entry in aside}
    counted: dict[str, bytes] = {}
    names: dict[str, Names] = {}
    for entry in entries:
        if entry.name not in left:
            name, content = entry.counted()
            counted[name] = content
            if not name.startswith(">"):
                names[entry.name] = names_of_file(entry.name, content)
    return Folder(path, counted, names, aside, tuple(counted.values()))


def is_unasked(name: str) -> bool:
    """Whether Ansible loads a file of a role, or beside a playbook, although nothing names it."""
    return _UNASKED.fullmatch(name) is not None and not any(is_left_behind(part) for part in name.split("/"))


def names_of_file(name: str, content: bytes) -> Names:
    """The names in a file, by what kind of file it is."""
    first, _, _ = name.rpartition("/")
    plugin = first.split("/")[-1].endswith("_plugins") and name.endswith(".py")
    if plugin and (found := _READS.search(content)):
        return Names(anything={f"this plugin uses `{found[0].decode()}`"})
    is_yaml = name.endswith(_YAML) or (name.rpartition("/")[2] == "main" and not name.startswith("files/"))
    return names_in(content, is_yaml=is_yaml and not name.startswith(("files/", "templates/")))
