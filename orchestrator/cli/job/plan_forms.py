"""`ami plan --markdown` and `--matrix`: a plan for pull requests and for workflows."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.cli.ci.checkout import checkout_of
from orchestrator.cli.expected import expected
from orchestrator.cli.job.comment import CheckLine, marker, of_error, of_plan
from orchestrator.cli.job.credentials import in_job
from orchestrator.cli.job.matrix import matrix
from orchestrator.cli.job.report import leave_summary_to_others
from orchestrator.cli.terminal import print_text
from orchestrator.definition.workspace import root_of
from orchestrator.errors import AmiError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from orchestrator.run.explain import Explained
    from orchestrator.run.prepare import Plan


def check_forms(*, as_json: bool, as_markdown: bool, as_matrix: bool) -> None:
    """Raise UsageError when a plan is asked for in more than one form."""
    if sum((as_json, as_markdown, as_matrix)) > 1:
        raise UsageError("--json, --markdown and --matrix are three forms of a plan", hint="say one of them")


@contextmanager
def told_in_comment(folder: Path, environment: str | None, *, wanted: bool) -> Iterator[None]:
    """While it lasts, print the comment of an error before it is raised further, if comments are `wanted`."""
    if wanted:
        leave_summary_to_others()
    try:
        yield
    except Exception as error:
        if wanted and (known := expected(error)):
            print_text(of_error(_marker(folder, environment), in_job(known)).rstrip("\n"))
        raise


def print_comment(folder: Path, environment: str | None, plan: Plan, explained: Sequence[Explained]) -> None:
    """Print a plan as the comment of a pull request. Raises DefinitionError for tests that cannot be collected."""
    found: AmiError | None = None
    checks = [CheckLine("definitions", "every image, layer and environment can be read")]
    if plan.ready:
        versions = ", ".join(f"{name} {version}" for name, version in plan.ready.versions.items())
        checks.append(CheckLine("templates", f"rendered for {versions}"))
    try:
        checks.append(CheckLine("tests of roles", _tests(plan)))
    except AmiError as error:
        found = error
        checks.append(CheckLine("tests of roles", error.message, ok=False))
    print_text(of_plan(_marker(folder, environment), plan.as_json(), explained, checks).rstrip("\n"))
    if found:
        raise found


def print_matrix(plan: Plan) -> None:
    """Print the matrix of a workflow in one line."""
    print_text(json.dumps(matrix(plan.as_json())))


def _tests(plan: Plan) -> str:
    from orchestrator.run.tests import collect_tests

    count = sum(collect_tests(plan.workspace, plan.steps).values())
    return f"{count} tests are collected, and can be run" if count else "nothing is to be tested"


def _marker(folder: Path, environment: str | None) -> str:
    try:
        root = root_of(folder)
    except UsageError:
        root = folder.resolve()
    return marker(root.relative_to(checkout_of(root)).as_posix(), environment or "")
