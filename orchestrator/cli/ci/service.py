"""A CI service: how it is recognised, and the words that its logs and its jobs understand.

One module of `services` for each, with a `SERVICE`. What a service has no word for, it leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Annotation:
    """One thing to be seen at a line of a file, or at the job when there is no such line."""

    level: Literal["error", "warning"]
    message: str
    title: str = ""
    #: From the root of the checkout, with slashes; empty when it is about no file in it.
    file: str = ""
    #: From 1; 0 when the file as a whole is meant.
    line: int = 0


class CiService:
    """What a service is to `ami`, of which this class says nothing yet."""

    #: As `--ci` takes it.
    name = ""
    #: As people call it.
    title = ""
    #: A variable that the service sets in its jobs, and its value; an empty one means any.
    sign = ("", "")
    #: The variable with the folder of the checkout, from which the service counts paths.
    root = ""
    #: Variables that together name one job, and no other.
    job: tuple[str, ...] = ()
    #: Variables whose values are secrets of the service's own.
    secrets: tuple[str, ...] = ()
    #: What becomes of the processes of a cancelled job.
    cancelling = ""

    def here(self, variables: Mapping[str, str]) -> bool:
        """Whether these are variables of one of its jobs."""
        name, value = self.sign
        return variables.get(name, "") == value if value else bool(variables.get(name))

    def group(self, title: str, number: int, seconds: float) -> str:  # noqa: ARG002 - for services that have groups
        """What begins a part of the log that can be folded; `number` tells parts apart, `seconds` is the time since
        1970.
        """
        return ""

    def end_group(self, number: int, seconds: float) -> str:  # noqa: ARG002 - likewise
        """What ends it."""
        return ""

    def annotation(self, one: Annotation) -> str:  # noqa: ARG002 - likewise
        """The line that puts an annotation where people look; empty when there is none."""
        return ""

    def masking(self, secret: str) -> tuple[str, ...]:  # noqa: ARG002 - likewise
        """The lines that have the service hide one line of a secret in the rest of the job."""
        return ()

    def harmless(self, line: str) -> str:
        """A line of a log as text alone, whatever it was: control characters, which logs act on, become escapes."""
        return printable(line)

    def harmless_json(self, text: str) -> str:
        """JSON with the same value, and nothing in it that the log acts on."""
        return text

    def summary_file(self, variables: Mapping[str, str]) -> tuple[Path | None, int]:  # noqa: ARG002 - likewise
        """The file to which the summary of the job is added, and how many bytes it may have altogether."""
        return None, 0

    def outputs(self, values: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, tuple[Path, str]]:  # noqa: ARG002
        """What later steps and jobs read: a text for each file, by a word for it. A relative path is below `.ami/ci`.

        A text is added to the file, one at a relative path replaces it.
        """
        return {}

    def fork(self, variables: Mapping[str, str]) -> str:  # noqa: ARG002 - likewise
        """The repository from which a pull request comes, when it is a fork; else an empty string."""
        return ""


def printable(text: str) -> str:
    r"""A text as one line that nothing takes for a command: what is not printable as `\x1b`; a tab stays."""
    return "".join(
        one if one.isprintable() or one == "\t" else one.encode("unicode_escape").decode("ascii") for one in text
    )
