"""What `ami ci` and `ami comment` print."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from orchestrator.contract.shape import OneOf


class PipelineFileJson(TypedDict):
    """A file of a pipeline, compared with what would be written."""

    file: str
    """Its path in the repository."""
    change: Annotated[str, OneOf("new", "same", "old", "by-hand")]
    """What it is: `old` as another version wrote it, `by-hand` changed since, or never written by this command."""
    written: bool
    """Whether it was written now."""
    diff: str | None
    """The lines that differ from what would be written, as `diff -u` shows them; null when none do, or all are new."""


class CiJson(TypedDict):
    """The files of a pipeline."""

    schema: Literal["ami/ci/1"]
    service: str
    files: list[PipelineFileJson]


class CommentJson(TypedDict):
    """The comment of a pull request that holds a text."""

    schema: Literal["ami/comment/1"]
    url: str | None
    """Where people read it; null when none could be written."""
    became: Annotated[str, OneOf("new", "changed", "same", "none")]
    """What happened to it."""
    characters: int
    """Of the text as it was written."""
