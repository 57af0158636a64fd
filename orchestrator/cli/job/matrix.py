"""Which jobs build what a plan has to do: the matrix of a workflow, one job for each image that nothing stands on.

A job builds an image with all that it is built on. Jobs share what they have in common by leases: one builds it, the
others wait and go on from it. Without leases (no artifact bucket) each would build it, so images that have a build in
common are then built by one job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.contract.plan import PlanJson, StepJson

#: Jobs that a matrix of GitHub Actions may have in one run (GitHub documentation, "Running variations of jobs").
MOST = 256


class MatrixEntry(TypedDict):
    """One job."""

    image: str
    """What `ami build` gets: an image, or several with spaces between them."""
    builds: str
    """All that the job builds or tests, parents first, with spaces between them."""
    seconds: float | None
    """What that takes, one after the other, as far as earlier runs tell."""


class Matrix(TypedDict):
    """The value of `strategy.matrix`; without jobs the list is empty."""

    include: list[MatrixEntry]


def matrix(plan: PlanJson, most: int = MOST) -> Matrix:
    """The jobs of a plan, those that take longest first: at most `most`, the rest being shared out among them."""
    active = {step["segment"]: step for step in plan["steps"] if step["action"] != "reuse"}
    parents = {step["built_on"] for step in active.values()}
    leaves = [name for name, step in active.items() if not step["shared"] and name not in parents]
    groups = [[name] for name in leaves] if plan["exclusive"] else _sharing(active, leaves)
    entries = [_entry(active, group) for group in groups]
    entries.sort(key=lambda one: -(one["seconds"] or 0.0))
    for extra in entries[most:]:
        least = min(entries[:most], key=lambda one: one["seconds"] or 0.0)
        least.update(_entry(active, [*least["image"].split(), *extra["image"].split()]))
    return {"include": entries[:most]}


def _chain(active: Mapping[str, StepJson], name: str) -> list[str]:
    """An image and all below it that is built or tested, parents first."""
    chain: list[str] = []
    at: str | None = name
    while at is not None and at in active:
        chain.append(at)
        at = active[at]["built_on"]
    return chain[::-1]


def _sharing(active: Mapping[str, StepJson], leaves: Sequence[str]) -> list[list[str]]:
    """The leaves, those together that have a build in common: they have the same lowest one."""
    groups: dict[str, list[str]] = {}
    for name in leaves:
        groups.setdefault(_chain(active, name)[0], []).append(name)
    return list(groups.values())


def _entry(active: Mapping[str, StepJson], names: Sequence[str]) -> MatrixEntry:
    chain = dict.fromkeys(step for name in names for step in _chain(active, name))
    seconds = [active[name]["seconds"] for name in chain]
    known = None if None in seconds else round(sum(one for one in seconds if one is not None), 1)
    return {"image": " ".join(names), "builds": " ".join(chain), "seconds": known}
