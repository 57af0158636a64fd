"""Content hashes: what is equal has one digest, wherever it lies and whenever it was written.

Nothing here knows what a layer is: `inputs` says which bytes decide a layer's result.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.plan.ignored import Ignored, is_left_behind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)

#: Raised when the way of hashing changes, so that old fingerprints never match by accident.
FORMAT = 3

#: What lies at a role's own top level and is not applied. The same names below `files/` are files like any other.
NOT_APPLIED = frozenset(
    {
        "tests",
        "conftest.py",
        "molecule",
        "docs",
        "README.md",
        "README",
        "README.rst",
        "CHANGELOG.md",
        "LICENSE",
        "LICENSE.md",
    }
    | {".github", ".gitlab-ci.yml", ".travis.yml", ".gitignore", ".gitattributes", ".ansible-lint", ".yamllint"}
    | {".pre-commit-config.yaml", ".editorconfig", ".ansible", ".tox", "tox.ini"}
)
#: The date on which ansible-galaxy installed a role.
_INSTALL_INFO = "meta/.galaxy_install_info"


@dataclass(frozen=True)
class Entry:
    """One file of a folder. Content is read when asked."""

    #: Its path in the folder.
    name: str
    #: Where it is reached.
    path: str
    #: A leftover, or what git ignores: it counts only when something names it.
    aside: bool = False
    #: Where a symbolic link leads, as it is written.
    link: str = ""

    def counted(self) -> tuple[str, bytes]:
        """(executable bit and name, content); of a link its text counts as well, and alone when it leads nowhere.

        Of a file's mode only the executable bit counts: it is all that git keeps, so that the other bits differ
        between two clones. A link's text counts because a play may copy the link itself.
        """
        if self.link and not os.path.isfile(self.path):
            return f"> {self.name}", self.link.encode("utf-8", "surrogateescape")
        with open(self.path, "rb") as file:
            executable = "x" if os.fstat(file.fileno()).st_mode & 0o100 else "-"
            content = file.read()
        to = f" -> {self.link}" if self.link else ""
        return f"{executable} {self.name}{to}", content


def files_below(folder: str, leave_out: frozenset[str] = NOT_APPLIED, ignored: Ignored | None = None) -> list[Entry]:
    """The files of a folder, sorted by name; `leave_out` are names at its own top level.

    Links to folders are followed, wherever they lead; one that leads to a folder above itself counts by its text.
    """
    walk = _Walk(folder, leave_out, ignored or Ignored())
    return sorted(walk.below(folder, "", (os.path.realpath(folder),), aside=False), key=lambda entry: entry.name)


@dataclass(frozen=True)
class _Walk:
    folder: str
    leave_out: frozenset[str]
    ignored: Ignored

    def below(self, path: str, within: str, above: tuple[str, ...], *, aside: bool) -> Iterator[Entry]:
        for entry in os.scandir(path):
            name = f"{within}{entry.name}"
            if name in self.leave_out or name == _INSTALL_INFO:
                continue
            folder = entry.is_dir()
            apart = aside or is_left_behind(entry.name) or self.ignored.names(entry.path, folder=folder)
            link = os.readlink(entry.path) if entry.is_symlink() else ""
            if not folder:
                if link or entry.is_file():
                    yield Entry(name, entry.path, apart, link)
                continue
            there = os.path.realpath(entry.path) if link else f"{above[-1]}/{entry.name}"
            if link:
                yield Entry(name, entry.path, apart, link)
            if not any(one == there or one.startswith(there.rstrip("/") + "/") for one in above):
                yield from self.below(entry.path, f"{name}/", (*above, there), aside=apart)


def digest(label: str, entries: Iterable[tuple[str, bytes]]) -> str:
    """SHA-256 of a labelled list of named contents. Lengths are hashed too, so that no two lists collide by joining."""
    state = hashlib.sha256(f"{FORMAT} {label}\n".encode())
    for name, content in entries:
        encoded = name.encode("utf-8", "surrogateescape")
        state.update(b"%d %b %d\n" % (len(encoded), encoded, len(content)))
        state.update(content)
    return state.hexdigest()


def canonical(value: Any) -> bytes:
    """One JSON text per value: keys sorted, no spaces."""
    return _CANONICAL.encode(value).encode()
