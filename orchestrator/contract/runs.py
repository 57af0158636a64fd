"""Runs and their evidence: what `ami runs` and `ami logs` print."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from orchestrator.contract.shape import OneOf, Time


class RunImageJson(TypedDict):
    """What became of one image of a run, or of layers that several images share."""

    image: str
    status: str | None
    """How its way through the run ended, as in `ami/run/1`; null for a run that was cut off, and for one that runs."""
    shared: bool
    ami_id: str | None
    version: str | None


class RunFileJson(TypedDict):
    """A file of a run."""

    file: str
    """Its path in the run's folder."""
    bytes: int
    """As many as it takes where it is: logs are compressed in the bucket."""


class KnownRunJson(TypedDict):
    """A run, and where its evidence is."""

    run: str
    started: Time
    status: Annotated[str, OneOf("running", "done", "failed", "interrupted", "cut off")]
    """How it ended. `cut off`: it was killed, and nothing says how it ended."""
    command: str | None
    environment: str | None
    commit: str | None
    """Of the workspace; `-dirty` behind it for a changed work tree."""
    host: str | None
    reason: str | None
    """The error with which it ended before its images did."""
    seconds: float
    """Its wall time; 0 while it runs, and for one that was cut off."""
    images: list[RunImageJson]
    kept_in: list[str]
    """`here`: its folder is in this workspace. `bucket`: the artifact bucket has it whole."""
    folder: str | None
    bucket_folder: str | None
    """As `s3://BUCKET/runs/RUN/`."""
    files: list[RunFileJson]


class RunsJson(TypedDict):
    """Runs of an environment, the newest first."""

    schema: Literal["ami/runs/1"]
    runs: list[KnownRunJson]


class LogsJson(KnownRunJson):
    """The run that was named, with its files."""

    schema: Literal["ami/logs/1"]


class ChangedRunsJson(TypedDict):
    """What `ami runs --upload` and `--prune` did. Lists are ids of runs."""

    schema: Literal["ami/changed-runs/1"]
    dry_run: bool
    uploaded: list[str]
    deleted: list[str]
    in_bucket: list[str]
    """Old runs that the bucket has whole: what a pruning deletes here."""
    only_here: list[str]
    """Old runs that are nowhere else: a pruning deletes them only with a yes of its own."""
    live: list[str]
    """Old runs that have not ended, and stay."""
