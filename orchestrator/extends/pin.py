"""`ami.lock`: the commit that a workspace extends. `ami update` writes it, and people commit it.

It has the digest of the commit's tree too, so that files on a disk are compared with it without git.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from orchestrator.errors import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.extends.place import GitPlace

#: The file beside `ami.yml`.
LOCK = "ami.lock"
#: Raised when the file changes its shape.
FORMAT = 1

_HEAD = "# The commit that `extends` in ami.yml stands for. `ami update` writes this file; commit it.\n---\n"
#: Digits of a commit that people are shown.
DIGITS = 12
#: SHA-1, and SHA-256 of repositories that use it (git, "hash-function-transition").
OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class ExtendsPin:
    """A place in a repository, and the commit that stands for it."""

    url: str
    ref: str
    folder: str
    commit: str
    #: Digest of all files of the commit, as git has it.
    tree: str
    #: The lock, and the line of the commit in it.
    path: Path | None = field(default=None, compare=False)
    line: int = field(default=0, compare=False)

    def text(self) -> str:
        """The content of the lock."""
        written = {"git": self.url, "ref": self.ref, "folder": self.folder, "commit": self.commit, "tree": self.tree}
        return _HEAD + yaml.safe_dump(
            {"format": FORMAT, "extends": {key: value for key, value in written.items() if value}},
            sort_keys=False,
            width=10_000,
        )

    def answers(self, place: GitPlace) -> bool:
        """Whether it was made for a place as it is written."""
        return (self.url, self.ref, self.folder) == (place.url, place.ref, place.folder)

    def misfit(self, place: GitPlace) -> str:
        """How it differs from a place; empty when it does not."""
        for key, written, locked in (
            ("git", place.url, self.url),
            ("ref", place.ref, self.ref),
            ("folder", place.folder, self.folder),
        ):
            if written != locked:
                return f"`extends` has {_said(key, written)}, and {LOCK} has {_said(key, locked)}"
        return ""

    def problem(self, what: str) -> Problem:
        """A problem at its line."""
        if self.path is None:
            raise AssertionError("a pin that was read has its file")
        return Problem(self.path, self.line, what)


def _said(key: str, value: str) -> str:
    return f"{key} '{value}'" if value else f"no {key}"
