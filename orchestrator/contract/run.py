"""A run: what `ami build` and `ami validate` print, and what `summary.json` of its folder holds."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from orchestrator.contract.shape import OneOf


class RoundJson(TypedDict):
    """One round in which tests asked their machine."""

    number: int
    """0 is the round that asks for the facts of the system."""
    waiting: int
    """The questions of tests that it answered."""
    commands: int
    """Equal questions may share one."""
    requests: int
    """Calls to the API, or programs started for other connections."""
    scripts: int
    parts: int
    """Parts of answers that were fetched besides."""
    seconds: float


class OutcomeJson(TypedDict):
    """What became of one image, or of layers that several images share."""

    image: str
    status: Annotated[str, OneOf("built", "validated", "checked", "reused", "rejected", "failed", "cancelled")]
    """How its way through the run ended. `checked`: only chosen tests ran, and they passed."""
    shared: bool
    """Whether its layers are those of several images, and it is no image itself."""
    ami_id: str | None
    version: str | None
    reason: str | None
    """What did not go well."""
    hint: str | None
    """What to do about it."""
    tests: dict[str, int]
    """How they ended: `{"passed": 41, "failed": 0}`; empty when none ran."""
    reached_by: str | None
    """The command that reaches the machine that was validated, when it was to be kept."""
    adopted: str | None
    """The run that did the last step of it, its build or its tests, when this one only waited for that."""
    seconds: float
    build_seconds: float | None
    validate_seconds: float | None
    rounds: list[RoundJson]


class RunJson(TypedDict):
    """A run at its end."""

    schema: Literal["ami/run/1"]
    run: str | None
    """Its id; null when there was nothing to do, and no run was begun."""
    folder: str | None
    """Where its logs and reports are on this machine."""
    interrupted: bool
    seconds: float
    """Its wall time."""
    images: list[OutcomeJson]


class ValidationPlanJson(TypedDict):
    """What `ami validate --dry-run` would validate."""

    schema: Literal["ami/validation-plan/1"]
    image: str
    version: str
    ami_id: str
    state: str
    region: str
