"""What the tests of a role stand among: their folder, the role itself, and each conftest.py above them.

Both sides go by this: what is laid out for a validation, and the fingerprint of the tests, which says when an image has
to be proven anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: The folder of a role that holds its tests.
TESTS = "tests"


def folders_above(tests: Path) -> tuple[Path, ...]:
    """The folders above a role's tests, the nearest first: the role, `roles`, and the root of the workspace."""
    return tuple(tests.parents[:3])


def files_above(tests: Path) -> tuple[Path, ...]:
    """The files above a role's tests that pytest would meet: each conftest.py, and the modules that lie beside it."""
    return tuple(
        path
        for folder in folders_above(tests)
        if (folder / "conftest.py").is_file()
        for path in sorted(folder.glob("*.py"))
        if path.is_file()
    )
