"""What `ami sweep` prints."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from orchestrator.contract.shape import OneOf


class RemnantJson(TypedDict):
    """One thing that a dead run left."""

    kind: str
    id: str
    region: str
    run: str
    reason: str
    """What proves that the run is dead."""
    proof: str | None
    """What proves that the thing is the run's; null for what carries the run's tags."""
    kept: bool
    """Whether it was left on purpose, with `--keep`."""
    age_seconds: int | None
    """Since the run began."""
    status: Annotated[str, OneOf("removed", "stayed", "kept", "spared", "found")]
    """What became of it. `spared`: its run gave a sign of life after all; `found`: a dry run."""
    trouble: str | None
    """Why it stayed."""


class ThingJson(TypedDict):
    """Something in an account."""

    kind: str
    id: str


class LeftAloneJson(TypedDict):
    """What a run made that is not removed."""

    run: str | None
    reason: str
    things: list[ThingJson]


class SweepJson(TypedDict):
    """What dead runs left, and what became of it."""

    schema: Literal["ami/sweep/1"]
    found: list[RemnantJson]
    left_alone: list[LeftAloneJson]
