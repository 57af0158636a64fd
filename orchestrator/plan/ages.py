"""What is too old to build on: AMIs of sources and versions of images, by the `require` of workspaces."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.definition.layer import seconds_of
from orchestrator.definition.places import place_of_image, place_of_rule
from orchestrator.definition.variants.variant_name import family_of
from orchestrator.definition.workspace import from_here
from orchestrator.errors import DefinitionError, Problem
from orchestrator.plan.steps import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.steps import PlanStep
    from orchestrator.registry import Version

_HOUR, _DAY = 3600, 86400
#: How a version begins: with the time at which its build started.
_STARTED = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class BuiltOn:
    """What `image` is going to be built on: `what` in words, the rule for it, when it was made, and how to renew it."""

    image: str
    what: str
    rule: str
    made: datetime
    renewal: str


def built_on(steps: Iterable[PlanStep], sources: Mapping[str, tuple[str, str]]) -> Iterator[BuiltOn]:
    """What the builds of a plan stand on and do not build anew.

    `sources` has the AMI id of each source and when it was made, as EC2 says it (EC2 API Reference, Image:
    `creationDate`, such as `2026-11-23T23:55:22.000Z`); a source of which EC2 does not say it is left out.
    """
    known = {step.name: step for step in steps}
    for step in known.values():
        if step.action is not Action.BUILD or step.segment.shared:
            continue
        source = step.segment.source.name
        ami_id, created = sources.get(source, ("", ""))
        if created:
            made = datetime.fromisoformat(created)
            renewal = f"no newer AMI fits the source '{source}': name another one in ami.yml"
            yield BuiltOn(step.name, f"source '{source}' is {ami_id}, which", "source_age", made, renewal)
        below = known.get(step.segment.parent or "")
        if below is None or below.found is None or below.action is Action.BUILD or below.segment.shared:
            continue
        if started := _made(below.found):
            renewal = f"ami build {below.name} --rebuild"
            yield BuiltOn(step.name, f"{below.name} {below.found.version}", "version_age", started, renewal)


def check_ages(workspace: Workspace, uses: Iterable[BuiltOn], now: datetime) -> None:
    """Raise DefinitionError for what is older than a workspace of the chain requires. `now` has a time zone."""
    found = [(use, problem) for use in uses for problem in _problems(workspace, use, now)]
    if found:
        raise DefinitionError([problem for _, problem in found], hint=found[0][0].renewal)


def _problems(workspace: Workspace, use: BuiltOn, now: datetime) -> Iterator[Problem]:
    for says in workspace.chain():
        longest: str | None = getattr(says.require, use.rule)
        seconds = (now - use.made).total_seconds()
        if longest is None or seconds <= seconds_of(longest):
            continue
        place = from_here(Problem(*place_of_rule(says, "require", use.rule), ""))
        rule = f"{says.name} requires {use.rule} {longest} ({place.path}:{place.line})"
        where = place_of_image(workspace, family_of(use.image), "from")
        yield from_here(Problem(*where, f"{use.what} is {_age(seconds)} old: {rule}"))


def _made(version: Version) -> datetime | None:
    """When a version was made: a copy's date in EC2 is that of the copy, and its name may be written by anybody."""
    known: list[datetime] = []
    with suppress(ValueError):
        known.append(datetime.strptime(version.version.partition("-")[0], _STARTED).replace(tzinfo=UTC))
    with suppress(ValueError):
        known.append(datetime.fromisoformat(version.copy.created))
    return min(known, default=None)


def _age(seconds: float) -> str:
    """An age in hours, from two days on in days; rounded down."""
    return f"{int(seconds // _DAY)} days" if seconds >= 2 * _DAY else f"{int(seconds // _HOUR)} hours"
