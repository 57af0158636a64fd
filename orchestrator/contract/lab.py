"""What the commands of `ami lab` print."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from orchestrator.contract.shape import OneOf


class LabAccountJson(TypedDict):
    """An account of the lab, and the key of its administrator."""

    account: str
    name: str
    unit: str | None
    """The path of its organisational unit; null: it is in the root, or by itself."""
    access_key_id: str
    secret_access_key: str
    bucket: str
    """The bucket that it has from the start."""


class LabSettingsJson(TypedDict):
    """How a lab was started: see `ami lab up`."""

    agent: Annotated[str, OneOf("stand-in", "real")]
    """Whether machines install the lab's stand-in or the real amazon-ssm-agent."""
    agent_waits: float
    """The share of their time that the agent's own waits take."""
    command_delay: float
    """Seconds that a command of Systems Manager costs."""
    image_delay: float
    """Seconds that an image stays pending after its disk is saved."""
    realistic: bool
    lenient: bool
    enforce_iam: bool


class LabJson(TypedDict):
    """A lab at one moment."""

    schema: Literal["ami/lab/1"]
    lab: str
    condition: Annotated[str, OneOf("up", "down", "silent", "dead")]
    """`silent`: its server runs and does not answer; `dead`: something is left of a server that is gone."""
    endpoint: str | None
    pid: int | None
    machines: int
    memory: int | None
    """What its server holds, in MiB; machines hold their own."""
    folder: str | None
    systems: list[str]
    """What it has AMIs of."""
    calls: dict[str, int]
    """How many API calls it has answered, by `service:Action`."""
    accounts: list[LabAccountJson]
    """The management account first."""
    settings: LabSettingsJson | None
    """How it was started; null unless it is up."""


class FaultJson(TypedDict):
    """A rule that makes calls go wrong, and what became of it."""

    rule: int
    """Its number, by which it is cleared."""
    kind: str
    value: float
    """A share from 0 to 1, or seconds; 0 for kinds that take no number."""
    operations: list[str]
    """Patterns of `service:Action`."""
    seed: int
    times: int | None
    """After how many hits it ends; null: never."""
    instance_type: str | None
    subnet: str | None
    account: str | None
    """Of whose calls alone."""
    region: str | None
    """A pattern of regions; of calls there alone."""
    resource: str | None
    """Of calls that name this id, name or path alone."""
    met: int
    """How many calls it was asked about."""
    hits: int
    spent: bool
    """Whether it has hit as often as it may."""


class LabFaultsJson(TypedDict):
    """The rules that were set, are in force or were cleared."""

    schema: Literal["ami/lab-faults/1"]
    lab: str
    rules: list[FaultJson]
