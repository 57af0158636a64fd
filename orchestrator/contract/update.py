"""What `ami update` prints: the lock of a workspace that extends a git repository."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from orchestrator.contract.shape import OneOf


class CommitJson(TypedDict):
    """A commit in one line."""

    commit: str
    """All of its digits."""
    subject: str


class PinUpdateJson(TypedDict):
    """What `extends` of ami.yml stands for: the commit that is locked, and the one that its ref has now."""

    git: str
    """The URL."""
    ref: str
    folder: str | None
    """The folder of the repository in which the workspace is; null for the whole repository."""
    ref_kind: Annotated[str, OneOf("tag", "branch", "commit")]
    fits: bool
    """Whether the lock is for this URL, ref and folder."""
    moved_tag: bool
    """Whether a tag that is locked is at another commit now."""
    old_commit: str | None
    """The one in the lock; null when there is no lock."""
    new_commit: str
    coming: list[CommitJson]
    """What the new commit has and the old one has not, the newest first; the first 20."""
    coming_count: int
    going_count: int
    """How many commits the old one has and the new one has not: more than 0 for a branch that was rewritten."""
    newer: list[str]
    """Tags of higher versions than the ref is, the lowest first."""


class LevelOriginJson(TypedDict):
    """A workspace further below, and where it comes from: a folder, or a git repository."""

    path: str | None
    git: str | None
    ref: str | None
    commit: str | None
    """As the lock of the workspace that extends it has it."""


class UpdateJson(TypedDict):
    """The lock of a workspace, as it is and as it would be."""

    schema: Literal["ami/update/1"]
    lock: str
    """Its path."""
    extends: PinUpdateJson | None
    """Null when the workspace extends no git repository."""
    below: list[LevelOriginJson]
    """What the new commit extends in its turn, the nearest first."""
    written: bool
    """Whether the lock was written."""
