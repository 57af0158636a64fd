"""Mistakes and failed tests as annotations of the CI service, at files and lines that are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.ci import spoken
from orchestrator.cli.ci.checkout import checkout_of, in_checkout, line_of
from orchestrator.cli.ci.service import Annotation

if TYPE_CHECKING:
    from typing import Literal

    from orchestrator.errors import Problem


def annotation_of(problem: Problem, level: Literal["error", "warning"] = "error", title: str = "") -> Annotation:
    """A mistake at its line. One outside of the checkout, or in a file that is missing, has no file.

    The message names file and line as well: logs show the message alone.
    """
    path = problem.path if problem.path.is_absolute() else Path.cwd() / problem.path
    root = checkout_of(Path.cwd())
    file = in_checkout(path, root)
    line = line_of(path, problem.line) if file else 0
    return Annotation(level, str(problem), title, file, line)


def line_for(one: Annotation) -> str:
    """The line that shows an annotation in the service; empty when it has none."""
    service = spoken.service()
    return service.annotation(one) if service else ""
