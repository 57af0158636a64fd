"""One comment for one text: found again by the text's first line, then changed; else written.

Pure but for `Discussion`, which a service implements. The first line is a hidden marker, `<!-- ... -->`. Comments of
others count for nothing, whatever marker they have: they could be changed again after they were checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MARKER = re.compile(r"<!-- [^\n]*? -->")


@dataclass(frozen=True)
class Comment:
    """A comment that stands in a discussion."""

    id: str
    body: str
    url: str
    #: Whether whoever writes now has written it.
    own: bool


class Discussion(Protocol):
    """Where the comments of one pull request are."""

    #: Characters that a comment may have.
    longest: int

    def comments(self) -> Iterator[Comment]:
        """Every comment, oldest first."""

    def add(self, body: str) -> Comment:
        """Write another comment."""

    def change(self, comment: Comment, body: str) -> Comment:
        """Change a comment."""


class DiscussionOpener(Protocol):
    """How a module of `services` finds the discussion that a job is about, in the variables of the job."""

    def __call__(self, variables: Mapping[str, str]) -> Discussion | None:
        """None when the job is of another service.

        Raises ReadOnlyToken when nothing may be written, and UsageError or LackError when something is missing.
        """


@dataclass(frozen=True)
class Posted:
    """What became of the comment."""

    comment: Comment
    #: "new", "changed" or "same".
    became: str
    body: str


def post(discussion: Discussion, text: str) -> Posted:
    """Have one comment with the text. Raises UsageError for a text without a marker."""
    marker = marker_of(text)
    body = shortened(text, discussion.longest)
    own = next((each for each in discussion.comments() if each.own and marker_in(each.body) == marker), None)
    if own is None:
        return Posted(discussion.add(body), "new", body)
    if own.body.replace("\r\n", "\n").strip() == body.strip():
        return Posted(own, "same", body)
    return Posted(discussion.change(own, body), "changed", body)


def marker_of(text: str) -> str:
    """The marker of a text. Raises UsageError when its first line is none."""
    if found := marker_in(text):
        return found
    raise UsageError(
        "the first line of the text is no hidden marker, by which its comment is found again",
        hint="ami plan --markdown writes one; in a text of yours: <!-- NAME -->",
    )


def marker_in(text: str) -> str:
    """The marker that a text begins with, or an empty string."""
    found = _MARKER.fullmatch(text.partition("\n")[0].strip())
    return found[0] if found else ""


def shortened(text: str, longest: int) -> str:
    """A text of at most so many characters: whole lines of it, and how many are missing."""
    if len(text) <= longest:
        return text
    lines = text.splitlines()
    room = longest - len(_missing(len(lines)))
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join(kept) + _missing(len(lines) - len(kept))


def _missing(count: int) -> str:
    return f"\n\n{count} more lines: the job's log has them."
