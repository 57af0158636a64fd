"""What a worker is asked to do, and what it answers. No value of a secret is in either."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orchestrator.aws.account import Account
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import Segment
    from orchestrator.render.packer_set import PackerSet
    from orchestrator.run.outcome import SegmentOutcome
    from orchestrator.validate.request import TestCounts

#: How many bytes of an errand follow, in 8 bytes.
LENGTH = struct.Struct(">Q")


@dataclass(frozen=True)
class Errand:
    """One piece of work as it travels. It can be read before the workspace is there, `orders` cannot: they name files
    of it.

    `levels` has the digests of the workspace's levels, the nearest first, as parcels of the bucket.
    """

    run: str
    #: The task that it does, or the check of the worker; see `Orders`.
    name: str
    account: Account
    bucket: str
    levels: tuple[str, ...]
    orders: bytes = field(repr=False)


@dataclass(frozen=True)
class Orders:
    """What is done: a segment is built on `base`, or the AMI of `built` is proven, or (without a segment) the worker
    looks whether it could do that.

    `text` is what the build was rendered to for `packers`, so that a worker with the same ones need not render it.
    `segments` are all that the run builds or tests, for the check. `references` has a keyed digest for each secret that
    the run has read: the worker reads the same ones, and must find the same values. `masks` are the variables with
    secrets that are set where the run is. `collected` is how many tests there are, by level and role.
    """

    workspace: Workspace
    environment: Environment
    account_id: str
    started: datetime
    commit: str
    references: Mapping[str, str] = field(default_factory=dict)
    masks: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    segment: Segment | None = None
    base: str = ""
    packers: PackerSet | None = None
    text: str = field(default="", repr=False)
    built: SegmentOutcome | None = None
    build_seconds: float | None = None
    keep: bool = False
    collected: TestCounts = field(default_factory=dict)


@dataclass(frozen=True)
class ErrandResult:
    """What came of it. `problems` are what a worker lacks; it did nothing then. `bug` is a trace. `stopped`: it was
    interrupted before it had done anything.

    `unfit` is (the address of a worker, what it lacks): one that joined after the run had begun.

    `files` is an archive of what was left in the folder of the segment.
    """

    outcome: SegmentOutcome | None = None
    problems: tuple[str, ...] = ()
    bug: str = ""
    unfit: tuple[str, str] | None = None
    stopped: bool = False
    files: bytes = field(default=b"", repr=False)
