"""A plan: what `ami plan` and `ami build --dry-run` print."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from orchestrator.contract.shape import OneOf, PlaceJson


class StepJson(TypedDict):
    """What is done with one image, or with layers that several images share."""

    image: str | None
    """Null for layers that several images share."""
    segment: str
    """The name of what is built: that of the image, or one for the shared layers."""
    shared: bool
    action: Annotated[str, OneOf("build", "validate", "reuse", "rejected")]
    built_on: str
    """The segment or source that it is built on."""
    layers: list[str]
    """What is built of it; what it stands on has steps of its own."""
    ami_id: str | None
    """The AMI that is tested or reused."""
    fingerprint: str
    reason: str
    seconds: float | None
    """What it will take, as far as earlier runs tell."""


class ChangeJson(TypedDict):
    """One input that differs from what an AMI was made of."""

    layer: str
    """`start` for what is below all layers."""
    input: str
    """A file, a variable or a part, such as `vars: nginx_port`."""
    how: str
    """`changed`, `added` or `removed`."""
    kind: Annotated[str, OneOf("file", "value")]
    before: Any
    """The value that it had; null for a file, and when it is not known or may not be shown."""
    after: Any
    """The value that it has now, likewise."""
    diff: str | None
    """With `--diff`, the lines that differ as `diff -u` shows them; null when there is nothing to show."""


class SinceJson(TypedDict):
    """The version that a definition is compared with."""

    version: str
    ami_id: str


class UndecidedJson(TypedDict):
    """Files or roles that count because nobody can tell before it runs which are used."""

    layer: str
    note: str


class ExplainedJson(TypedDict):
    """What changed since an image was built the last time."""

    image: str
    since: SinceJson | None
    """Null when there is no AMI of it."""
    changes: list[ChangeJson]
    undecided: list[UndecidedJson]


class PlanJson(TypedDict):
    """What a build would do, and why."""

    schema: Literal["ami/plan/1"]
    environment: str
    region: str
    empty: bool
    """Whether there is nothing to do."""
    exclusive: bool
    """Whether two runs at once build each segment once: that takes an artifact bucket."""
    parallel: int
    seconds: float | None
    """What it will take, as far as earlier runs tell."""
    unknown: list[str]
    """Secrets that could not be read; they count as changed."""
    warnings: list[PlaceJson]
    steps: list[StepJson]
    """Parents first."""
    explained: list[ExplainedJson]
    """With `--explain`; empty otherwise."""
