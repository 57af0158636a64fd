"""What a test file finds when it imports: the modules beside it and beside each conftest.py above it.

Plain pytest puts these folders on `sys.path`, and keeps what was imported for all files that follow: two roles with a
`helpers.py` would share the first one. Here each file has the path of its own, and modules that came from another
role's folder are out of `sys.modules` meanwhile. A module that both can reach is one for both.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.roles.role_tests import TESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

_PLACE = pytest.StashKey["Surroundings"]()


class Surroundings:
    """The plugin, for tests that are laid out below `root`.

    `problem` is told of a conftest.py that cannot be loaded.
    """

    def __init__(self, root: Path, problem: Callable[[Path, BaseException], None]) -> None:
        self._root = root
        self._problem = problem
        self._path = root
        self._now: tuple[Path, ...] = ()
        self._away: dict[Path, dict[str, ModuleType]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> None:
        """Load every conftest.py, each in its own surroundings; pytest would load some before any hook is called."""
        early_config.stash[_PLACE] = self
        manager = early_config.pluginmanager
        manager._confcutdir = self._root
        for folder in self._with_conftest():
            self.enter(folder)
            try:
                manager._loadconftestmodules(folder, "importlib", self._root, consider_namespace_packages=False)
            except Exception as error:
                self._problem(folder / "conftest.py", error)
                raise

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> None:
        """Before the tests of a file are collected."""
        if isinstance(collector, pytest.File | pytest.Directory):
            self.enter(collector.path)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
        """Make a fixture, and later take it down, in the surroundings of the file in which it stands."""
        code = getattr(fixturedef.func, "__code__", None)
        path, before = Path(code.co_filename if code else ""), self._path
        if not path.is_relative_to(self._root):
            return (yield)
        self.enter(path)
        try:
            return (yield)
        finally:
            fixturedef.addfinalizer(lambda: self.enter(path))
            self.enter(before)

    def enter(self, path: Path) -> None:
        """Let imports find what belongs to a test file, or to a folder."""
        folders, self._path = self._folders(path), path
        if folders == self._now:
            return
        for name, module in list(sys.modules.items()):
            home = self._home(name, module)
            if home is not None and home not in folders:
                self._away.setdefault(home, {})[name] = sys.modules.pop(name)
        for folder in reversed(folders):
            for name, module in self._away.pop(folder, {}).items():
                self._bring_back(name, module)
        before = {str(folder) for folder in self._now}
        sys.path[:] = [*map(str, folders), *(entry for entry in sys.path if entry not in before)]
        self._now = folders

    def _bring_back(self, name: str, module: ModuleType) -> None:
        other = sys.modules.get(name)
        home = None if other is None else self._home(name, other)
        if other is not None and home is not None:
            self._away.setdefault(home, {})[name] = other
        sys.modules[name] = module

    def _with_conftest(self) -> list[Path]:
        """The folders with a conftest.py that counts, the highest first."""
        found = {path.parent for path in self._root.rglob("conftest.py") if self._counts(path.parent)}
        return sorted(found, key=lambda folder: (len(folder.parts), folder))

    def _counts(self, folder: Path) -> bool:
        """Whether a folder is a role, one above it, or one of its tests."""
        parts = folder.relative_to(self._root).parts
        below = parts[parts.index("roles") + 2 :] if "roles" in parts else ()
        return not below or below[0] == TESTS

    def _folders(self, path: Path) -> tuple[Path, ...]:
        """The folders that pytest would put on `sys.path` for a file, and the role's `tests`; the nearest first."""
        start = path if path.is_dir() else path.parent
        found: list[Path] = []
        for folder in (start, *start.parents):
            if not folder.is_relative_to(self._root):
                break
            of_role = folder.name == TESTS and folder.parents[1].name == "roles"
            is_wanted = folder == start or of_role or (folder / "conftest.py").is_file()
            if is_wanted and (package := self._package_root(folder)) not in found:
                found.append(package)
        return tuple(found)

    def _package_root(self, folder: Path) -> Path:
        while folder != self._root and (folder / "__init__.py").is_file():
            folder = folder.parent
        return folder

    def _home(self, name: str, module: ModuleType) -> Path | None:
        """The folder in which a module of the tests was found by its name; None for others, and for those of the root.

        Pytest itself names test files by their paths from the root, of which no two are equal.
        """
        path = next(_places(module), "")
        if not path.startswith(f"{self._root}{os.sep}"):
            return None
        parts = name.split(".")
        base = Path(path).with_suffix("")
        if base.parts[-len(parts) :] != tuple(parts):
            return None
        home = base.parents[len(parts) - 1]
        return home if home != self._root else None


def _places(module: ModuleType) -> Iterator[str]:
    """Where a module's file or folder is."""
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        yield file.removesuffix(f"{os.sep}__init__.py")
    yield from (str(one) for one in getattr(module, "__path__", None) or ())


def enter(config: pytest.Config, path: Path) -> None:
    """Let imports find what belongs to a test file, in a session that knows of surroundings."""
    if (place := config.stash.get(_PLACE, None)) is not None:
        place.enter(path)
