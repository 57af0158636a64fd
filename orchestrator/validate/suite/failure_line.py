"""Where a test failed: a file of those that are laid out, and the line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest


def line_of(nodeid: str, reports: Sequence[pytest.TestReport], root: Path) -> tuple[str, int]:
    """The file, from `root`, and the line (from 1, 0 when it is not known) that a person wants to see of a test.

    Of one that failed, the deepest line of its traceback in its own file, else in another one below `root`: a fixture
    of a conftest.py. Of any other, where it begins.
    """
    own = nodeid.partition("::")[0]
    failed = next((one for one in reports if one.failed), None)
    lines = [*_traceback(failed, root)] if failed is not None else []
    in_own = [(path, line) for path, line in lines if path == own]
    if lines:
        return (in_own or lines)[-1]
    path, before, _ = reports[0].location if reports else ("", None, "")
    return own, before + 1 if before is not None and Path(root, path) == Path(root, own) else 0


def _traceback(report: pytest.TestReport, root: Path) -> Iterator[tuple[str, int]]:
    """The entries of a traceback in files below `root`, the outermost first."""
    entries = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", ())
    for place in (getattr(entry, "reprfileloc", None) for entry in entries):
        if place is not None:
            path = Path(root, place.path)
            if path.is_relative_to(root) and ".." not in path.parts:
                yield str(path.relative_to(root)), place.lineno
