"""The comment of a pull request: what a build would do and why, what changed, and what the checks found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.cli.job.markdown import DocumentPart, cell, characters, code, fenced, fitted, folded, heading, row
from orchestrator.cli.terminal import duration
from orchestrator.errors import DefinitionError
from orchestrator.masks import hide

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from orchestrator.contract.plan import PlanJson, StepJson
    from orchestrator.errors import AmiError, Problem
    from orchestrator.run.explain import Explained

#: Characters of a comment that GitHub takes (its API refuses more: "Body is too long (maximum is 65536 characters)").
LIMIT = 65_536

#: Changes of an image that are shown; the rest is counted.
_CHANGES = 40
#: Lines of a file's difference that are shown.
_LINES = 200

_DONE = {"build": "to build", "validate": "to test again", "reuse": "reused", "rejected": "rejected"}


@dataclass(frozen=True)
class CheckLine:
    """One check: its name, what it found, and whether that is good."""

    name: str
    said: str
    ok: bool = True


def marker(workspace: str, environment: str) -> str:
    """The hidden first line by which the next run finds the comment and changes it.

    `workspace` is the workspace's folder in the repository, `environment` what `--env` said: both are known also when
    nothing could be planned.
    """
    named = (text.replace("--", "-").replace('"', "") for text in (workspace, environment or "default"))
    return '<!-- ami plan workspace="{}" env="{}" -->\n'.format(*named)


def of_plan(first: str, plan: PlanJson, explained: Sequence[Explained], checks: Sequence[CheckLine]) -> str:
    """The comment about a plan. `first` is its marker."""
    counts = Counter(step["action"] for step in plan["steps"])
    title = ", ".join(f"{counts[action]} {words}" for action, words in _DONE.items() if counts[action])
    steps = sorted(plan["steps"], key=lambda step: step["action"] == "reuse")  # in a long plan these give way first
    table = DocumentPart(
        f"{first}### `ami plan`: {title or 'nothing to do'}\n\n{_where(plan)}\n\n"
        + (heading(("image", "what", "why", "on", "time")) if steps else ""),
        tuple(map(_step, steps)),
        "\n",
        what="images",
    )
    changed = DocumentPart("", tuple(text for one in explained for text in _changed(one)), what="images that changed")
    return hide(fitted([table, *_checked(plan, checks), changed], LIMIT, characters))


def of_error(first: str, error: AmiError) -> str:
    """The comment about what cannot be planned: every mistake with its file and line, or what is lacking."""
    if isinstance(error, DefinitionError):
        count = len(error.problems)
        title = f"{count} configuration error{'s' * (count != 1)}"
        body = heading(("where", "what is wrong"))
        rows = tuple(map(_problem, error.problems))
    else:
        title, body, rows = "not possible", fenced(error.message.splitlines()), ()
    hint = f"\nHint: {code(error.hint)}\n" if error.hint else ""
    return hide(
        fitted(
            [DocumentPart(f"{first}### `ami plan`: {title}\n\n{body}", rows, hint, what="errors")], LIMIT, characters
        )
    )


def _problem(problem: Problem) -> str:
    place = f"{problem.path}:{problem.line}" if problem.line else str(problem.path)
    return row((cell(place), cell(problem.what)))


def _where(plan: PlanJson) -> str:
    where = f"Environment {code(plan['environment'])}, {code(plan['region'])}."
    if plan["seconds"] and not plan["empty"]:
        where += f" About {duration(plan['seconds'])}, as far as earlier runs tell."
    return where


def _step(step: StepJson) -> str:
    seconds = duration(step["seconds"]) if step["seconds"] and step["action"] in ("build", "validate") else ""
    action = _DONE[step["action"]]
    return row((cell(step["segment"]), action, cell(step["reason"]), cell(step["built_on"]), seconds))


def _checked(plan: PlanJson, checks: Sequence[CheckLine]) -> Iterator[DocumentPart]:
    lines = [row((one.name, "ok" if one.ok else "**failed**", cell(one.said))) for one in checks]
    yield DocumentPart("#### Checks\n\n" + heading(("check", "result", "")), tuple(lines), "\n", what="checks")
    warnings = [f"- {code(_warned(one['file'], one['line'], one['message']))}\n" for one in plan["warnings"]]
    warnings += [f"- not known here, and taken as changed: {code(what)}\n" for what in plan["unknown"]]
    if not plan["exclusive"] and not plan["empty"]:
        warnings.append("- the environment has no `artifact_bucket`: two builds at once would build the same twice\n")
    if warnings:
        yield DocumentPart("#### Warnings\n\n", tuple(warnings), "\n", what="warnings")


def _warned(file: str, line: int | None, message: str) -> str:
    return f"{file}:{line}: {message}" if line else f"{file}: {message}"


def _changed(one: Explained) -> Iterator[str]:
    """What changed in an image since its newest AMI; nothing for one that has none, or is as it was."""
    if one.since is None or not one.changes:
        return
    lines = [f"- {code(line)}\n" for change in one.changes[:_CHANGES] for line in change.lines]
    if len(one.changes) > _CHANGES:
        lines.append(f"- and {len(one.changes) - _CHANGES} more\n")
    diffs = "".join(f"\n{fenced(_shortened(change.diff), 'diff')}" for change in one.changes[:_CHANGES] if change.diff)
    title = f"What changed in {one.image} since {one.since.version} ({one.since.ami_id})"
    yield folded(title, "".join(lines) + diffs)


def _shortened(lines: Iterable[str]) -> list[str]:
    found = list(lines)
    more = len(found) - _LINES
    return [*found[:_LINES], f"… and {more} more lines"] if more > 0 else found
