"""`ami comment`: a text as one comment of the pull request that a job runs for."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.options import JsonOption
from orchestrator.cli.terminal import print_json, print_text, say
from orchestrator.errors import LackError, UsageError

if TYPE_CHECKING:
    from orchestrator.cli.comments.comment import Discussion


def comment(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A text in Markdown; - for standard input.", allow_dash=True)
    ],
    as_json: JsonOption = False,
) -> None:
    """Write a text as a comment of the pull request of this CI job, or change the comment that holds it already.

    The first line of the text is a hidden marker, by which its comment is found again: `ami plan --markdown` writes
    one. The pull request of a fork gets no comment, because its token may not write.
    """
    from orchestrator.cli.comments.comment import marker_of, post
    from orchestrator.cli.comments.request import ReadOnlyToken

    text = _read(file)
    marker_of(text)
    try:
        posted = post(_discussion(), text)
    except ReadOnlyToken as error:
        say(f"note: no comment was written: {error.message}", always=True)
        if as_json:
            print_json({"schema": "ami/comment/1", "url": None, "became": "none", "characters": 0})
        return
    if as_json:
        url, length = posted.comment.url, len(posted.body)
        print_json({"schema": "ami/comment/1", "url": url, "became": posted.became, "characters": length})
    else:
        print_text(f"{posted.became} {posted.comment.url}")


def _read(file: Path) -> str:
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", hint="ami plan --markdown > FILE") from error
    return content.decode("utf-8", "replace")


def _discussion() -> Discussion:
    """That of the job. Raises LackError outside of the services that are known."""
    from orchestrator.cli.comments import services
    from orchestrator.registration import modules_of

    for module in modules_of(services):
        found: Discussion | None = module.DISCUSSION(os.environ)
        if found:
            return found
    known = ", ".join(module.__name__.rpartition(".")[2] for module in modules_of(services))
    raise LackError(f"this is no job of a service whose comments are known ({known})", hint="docs/ci.md")


COMMAND = CliCommand("comment", 88, comment, prints=("ami/comment/1",))
