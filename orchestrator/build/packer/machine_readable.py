"""What `packer build -machine-readable` prints: one line, one value.

A line is `timestamp,target,type,data...`; in data a comma is written `%!(PACKER_COMMA)`, and a newline and a carriage
return as backslash escapes (Packer documentation, "Machine-Readable Output"). Packer does not escape the backslash
itself, so that a literal backslash-n in a message cannot be told from a newline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_COMMA = "%!(PACKER_COMMA)"
#: The name of the build in front of a message; of an empty one only the name is left, from 1.13 on without its blank.
_PREFIX = re.compile(r"^(?:==> |--> |    )[\w.-]+:(?: |$)")


@dataclass(frozen=True)
class PackerLine:
    """One line of Packer's output.

    A line that is not machine-readable (a panic, a program that writes past Packer) has the type `text` and itself
    as its only data.
    """

    #: Seconds since 1970.
    timestamp: int
    #: The build that is meant; empty: Packer as a whole.
    target: str
    type: str
    data: tuple[str, ...]

    @property
    def text(self) -> str:
        """The message of a `ui` or `error` line for people, without the build's name in front; else an empty string."""
        if self.type == "ui" and len(self.data) > 1:
            return _without_prefix(self.data[1])
        if self.type in ("error", "text") and self.data:
            return self.data[0].strip()
        return ""

    @property
    def is_error(self) -> bool:
        """Whether Packer calls this line an error."""
        return self.type == "error" or (self.type == "ui" and self.data[:1] == ("error",))

    @property
    def artifact_id(self) -> str:
        """The id of an artifact (`us-east-1:ami-1234`), or an empty string on any other line."""
        is_id = self.type == "artifact" and len(self.data) == 3 and self.data[1] == "id"  # noqa: PLR2004
        return self.data[2] if is_id else ""


def parse(line: str) -> PackerLine:
    """The value of one line, with or without its newline."""
    line = line.rstrip("\r\n")
    timestamp, *rest = line.split(",")
    if len(rest) < 2 or not (timestamp.isascii() and timestamp.isdigit()):  # noqa: PLR2004
        return PackerLine(0, "", "text", (line,))
    target, type_, *data = rest
    return PackerLine(int(timestamp), target, type_, tuple(map(_unescaped, data)))


def _unescaped(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\r", "\r").replace(_COMMA, ",")


def _without_prefix(text: str) -> str:
    """`Stopping...` of `==> amazon-ebs.web: Stopping...` and of `    amazon-ebs.web: Stopping...`, in every line.

    White space that belongs to the message stays: it tells an indented line of a program from a sentence of Packer's.
    """
    return "\n".join(_PREFIX.sub("", line).rstrip() for line in text.split("\n")).strip("\n")
