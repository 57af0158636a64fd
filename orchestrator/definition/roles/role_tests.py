"""Where the tests of a role lie, and what they stand among: the role itself, and each conftest.py above them.

A role that a team writes carries its tests in `tests/`. Those of a role from elsewhere are the workspace's own, in
`tests/roles/<role>`; a role may have both.

Both sides go by this: what is laid out for a validation, and the fingerprint of the tests, which says when an image has
to be proven anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from orchestrator.definition.roles.role import Role

#: The folder of a role that holds its tests, and that of a workspace.
TESTS = "tests"
#: The folder of a workspace that holds tests of roles.
TESTS_OF_ROLES = f"{TESTS}/roles"


def test_folders(role: Role, roots: Iterable[Path]) -> tuple[Path, ...]:
    """The folders that may hold tests of a role: its own, and those of the workspaces with the given roots."""
    return (role.path / TESTS, *(root / TESTS_OF_ROLES / role.name for root in roots))


def has_tests(folder: Path) -> bool:
    """Whether a folder has a file of tests. Roles from elsewhere may have a playbook there, which is none."""
    return folder.is_dir() and any(folder.rglob("test_*.py"))


def folders_above(tests: Path) -> tuple[Path, ...]:
    """The folders above a role's tests, the nearest first: the role, `roles`, and the root of the workspace.

    Those of `tests/roles/<role>` are `tests/roles` and the root: `tests` has other tests, with settings of their own.
    Those of a collection's role end with the collection.
    """
    nearest, middle, root = tests.parents[:3]
    return (nearest, root) if copied_with(tests) == tests else (nearest, middle, root)


def copied_with(tests: Path) -> Path:
    """The folder that is copied for tests: the whole role, or what a workspace has in `tests/roles/<role>`."""
    return tests if tests.parts[-3:-1] == (TESTS, "roles") else tests.parent


def files_above(tests: Path) -> tuple[Path, ...]:
    """The files above a role's tests that pytest would meet: each conftest.py, and the modules that lie beside it."""
    return tuple(
        path
        for folder in folders_above(tests)
        if (folder / "conftest.py").is_file()
        for path in sorted(folder.glob("*.py"))
        if path.is_file()
    )
