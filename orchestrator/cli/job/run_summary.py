"""The summary of a job in Markdown: results, AMIs, failed assertions, and the plan that led to them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from orchestrator.cli.job.markdown import DocumentPart, cell, code, fenced, fitted, folded, heading, octets, row
from orchestrator.cli.terminal import duration
from orchestrator.errors import DefinitionError
from orchestrator.masks import hide

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.contract.plan import PlanJson, StepJson
    from orchestrator.errors import AmiError
    from orchestrator.run.outcome import SegmentOutcome, Summary

#: Results that a person has to look at.
_SIGNS = {"rejected": "❌", "failed": "❌", "cancelled": "⚠️"}


def of_run(command: str, summary: Summary, plan: PlanJson | None, most: int) -> str:
    """The summary of a run in at most so many bytes."""
    counts = Counter(str(one.status) for one in summary.outcomes)
    title = ", ".join(f"{count} {status}" for status, count in counts.items())
    took = f" in {duration(summary.seconds)}" if summary.seconds else ""
    run = f"Run {code(summary.run)}{', which was stopped' if summary.interrupted else ''}.\n\n" if summary.run else ""
    table = heading(("image", "result", "AMI", "version", "tests", "time"))
    parts = [
        DocumentPart(
            f"### `{command}`: {title}{took}\n\n{run}{table}", tuple(map(_outcome, summary.outcomes)), "\n", "images"
        ),
        DocumentPart("", tuple(_why(one) for one in summary.outcomes if one.reason and not one.usable), "", "failures"),
    ]
    return _sized([*parts, *(_planned(plan) if plan else ())], most)


def of_plan(command: str, plan: PlanJson, most: int) -> str:
    """The summary of a plan."""
    title = "nothing to do" if plan["empty"] else f"{sum(map(_works, plan['steps']))} to build or test"
    return _sized([DocumentPart(f"### `{command}`: {title}\n\n"), *_planned(plan)], most)


def of_error(command: str, error: AmiError, most: int) -> str:
    """The summary of a command that came to nothing."""
    hint = f"\nHint: {code(error.hint)}\n\n" if error.hint else "\n"
    if isinstance(error, DefinitionError):
        head = f"### `{command}`: what is written is wrong\n\n" + heading(("where", "what is wrong"))
        rows = (row((cell(_place(one.path, one.line)), cell(one.what))) for one in error.problems)
        return _sized([DocumentPart(head, tuple(rows), hint, "errors")], most)
    return _sized([DocumentPart(f"### `{command}`: failed\n\n{fenced(error.message.splitlines())}{hint}")], most)


def _sized(parts: Sequence[DocumentPart], most: int) -> str:
    return hide(fitted(parts, most, octets))


def _place(path: object, line: int) -> str:
    return f"{path}:{line}" if line else str(path)


def _outcome(one: SegmentOutcome) -> str:
    status = str(one.status)
    result = f"{_SIGNS[status]} {status}" if status in _SIGNS else status
    seconds = duration(one.seconds) if one.seconds else ""
    return row((cell(one.image), result, cell(one.ami_id), cell(one.version), cell(one.tests), seconds))


def _why(one: SegmentOutcome) -> str:
    hint = f"\nHint: {code(one.hint)}\n" if one.hint else ""
    return folded(f"Why {one.image} is {one.status}", fenced(one.reason.splitlines()) + hint)


def _works(step: StepJson) -> bool:
    return step["action"] in ("build", "validate")


def _planned(plan: PlanJson) -> Iterable[DocumentPart]:
    rows = (
        row((cell(step["segment"]), step["action"], cell(step["reason"]), cell(step["built_on"])))
        for step in plan["steps"]
    )
    yield DocumentPart("#### Plan\n\n" + heading(("image", "what", "why", "on")), tuple(rows), "\n", "images")
