"""The tests laid out for pytest: as in the workspace, and nothing else of it.

    conftest.py                 with the modules beside it, if there is one
    roles/
        conftest.py             likewise
        nginx/                  the whole role, but its README.md
            tests/
    tests/roles/nginx/          tests of a role from elsewhere

Roles may also come from a workspace that another one extends. Then both are laid out, as `workspace-1` and
`workspace-2`, so that each role meets what is above it in its own. Whoever goes on editing changes nothing here.
Reports name the files that were copied, as a person has them: see `Layout.source`.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.definition.roles.role_tests import copied_with, files_above, folders_above
from orchestrator.errors import Problem
from orchestrator.validate.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.validate.request import RoleTests

_NAME = "workspace-"
_ONE_OF_SEVERAL = re.compile(rf"{_NAME}(?P<number>\d+)/")
#: The folder below the root that tests have for temporary files.
SCRATCH = "tmp"
#: What Python and git leave.
_LEFT_OUT = frozenset({".git", "__pycache__", ".pytest_cache"})
#: Bytes. Longer files are linked and not copied: they are what a role installs.
_LONG = 1 << 20


class Layout:
    """The tests of some roles, laid out in the folder `root`."""

    def __init__(self, root: Path, tests: Sequence[RoleTests], workspace: Path | None = None) -> None:
        self._root = root
        self._workspaces = list(dict.fromkeys(folders_above(one.folder)[-1] for one in tests))
        self._from = workspace or self._workspaces[0]
        above = re.escape(f"{root}/")
        several = rf"(?:{above}|(?<![\w./-])){_NAME}(?P<number>\d+)/"
        self._copies = re.compile(several if self._several else rf"{above}(?!{SCRATCH}/)")
        self.folders = tuple(self._lay_out(one) for one in tests)

    def _lay_out(self, one: RoleTests) -> str:
        """Copy what a role's tests need. Their folder, from the root."""
        workspace, copied = folders_above(one.folder)[-1], copied_with(one.folder)
        here = self._root / f"{_NAME}{self._workspaces.index(workspace) + 1}" if self._several else self._root
        try:
            shutil.copytree(
                copied,
                here / copied.relative_to(workspace),
                ignore=lambda folder, names: _left_out(copied, Path(folder), names),
                copy_function=_copy,
            )
            for path in files_above(one.folder):
                shutil.copy(path, here / path.relative_to(workspace))
        except (OSError, shutil.Error) as error:
            raise ValidationError(f"the role '{one.role}' cannot be copied for its tests: {_why(error)}") from error
        return str((here / one.folder.relative_to(workspace)).relative_to(self._root))

    @property
    def _several(self) -> bool:
        """Whether the copies are in folders of their workspaces."""
        return self._workspaces != [self._from]

    def source(self, path: str) -> str:
        """The file of which one below the root is the copy: its path from the workspace, `../` where it extends it."""
        return os.path.relpath(self._original(path), self._from) if path else ""

    def with_sources(self, text: str) -> str:
        """A text with the files of workspaces in the place of their copies."""
        return self._copies.sub(self._prefix, text)

    def _prefix(self, found: re.Match[str]) -> str:
        """What stands before the path of a file in its workspace."""
        if not self._several:
            return ""
        if int(found["number"]) > len(self._workspaces):
            return found[0]
        prefix = self.source(found[0][found.start("number") - found.start() - len(_NAME) :])
        return "" if prefix == "." else f"{prefix}/"

    def _original(self, path: str) -> Path:
        number, rest = 1, path
        if self._several and (found := _ONE_OF_SEVERAL.match(path)):
            number, rest = int(found["number"]), path[found.end() :]
        return self._workspaces[number - 1] / rest

    def problem(self, path: str, line: int, what: str) -> Problem:
        """A problem of a file that is named by its path from the root, with its path in the workspace."""
        there, here = self._original(path), Path.cwd()
        return Problem(there.relative_to(here) if there.is_relative_to(here) else there, line, what)


def _left_out(role: Path, folder: Path, names: list[str]) -> set[str]:
    """Names that are not copied. A link to a folder that it lies in would never end."""
    leave_out = {*_LEFT_OUT, "README.md"} if folder == role else _LEFT_OUT
    inside = folder.resolve()

    def is_needed(name: str) -> bool:
        path = folder / name
        if name in leave_out or not (path.is_file() or path.is_dir()):
            return False
        return not (path.is_symlink() and inside.is_relative_to(path.resolve()))

    return {name for name in names if not is_needed(name)}


def _copy(source: str, target: str) -> str:
    if os.path.getsize(source) > _LONG:  # noqa: PTH202 - copytree gives strings
        os.symlink(os.path.realpath(source), target)  # noqa: PTH211 - same
        return target
    return str(shutil.copy2(source, target))


def _why(error: OSError | shutil.Error) -> str:
    """One line; `copytree` raises a list of what went wrong with each file."""
    listed = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return str(listed[0][2]) if listed else str(error)
