"""What standard error gets in its last line when a command with `--json` fails."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from orchestrator.contract.shape import PlaceJson


class ErrorJson(TypedDict):
    """Why a command ended with another exit code than 0."""

    schema: Literal["ami/error/1"]
    error: str
    """The kind of error, as docs/exit-codes.md lists them: `usage`, `definition`, `lack`, ..., or `bug`."""
    message: str
    """What happened, for people; it may have several lines."""
    hint: str | None
    """What to do about it, often a command."""
    exit_code: Literal[1, 2, 3, 130]
    """The exit code of the process."""
    places: list[PlaceJson]
    """Every mistake in a file; empty for errors that are not about files."""
