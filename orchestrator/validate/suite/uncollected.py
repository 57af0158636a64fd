"""Where a file of tests is wrong that cannot be collected: file, line, and what Python says."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from _pytest.config import ConftestImportFailure

from orchestrator.errors import did_you_mean


def place_of(error: BaseException, root: Path) -> tuple[str, int, str] | None:
    """The file (from `root`), the line and the words of an error of tests below `root`; None when it names no place."""
    while isinstance(error, pytest.Collector.CollectError | ConftestImportFailure) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_relative_to(root):
        return _from(error.filename, root), error.lineno or 0, f"{type(error).__name__}: {error.msg}"
    frames = [one for one in traceback.extract_tb(error.__traceback__) if Path(one.filename).is_relative_to(root)]
    if not frames:
        return None
    return _from(frames[-1].filename, root), frames[-1].lineno or 0, _words(error, Path(frames[-1].filename))


def _words(error: BaseException, file: Path) -> str:
    said = traceback.format_exception_only(error)[-1].strip()
    if isinstance(error, ModuleNotFoundError) and error.name:
        beside = [path.stem for path in file.parent.glob("*.py") if path != file]
        said += did_you_mean(error.name, beside)
    return said


def _from(filename: str, root: Path) -> str:
    return str(Path(filename).relative_to(root))
