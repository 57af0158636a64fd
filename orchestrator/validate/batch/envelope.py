"""What comes back from a machine, read: nothing is believed that is cut, altered or incomplete. Pure.

One line on standard output, of which TOKEN is that of the script:

    ami:TOKEN:FRAME:DIGEST:SIZE:BASE64:end  the answer, or its first part; all of it waits in the file FRAME
    ami:TOKEN:part:INDEX:BASE64:end         a further part of it
    ami:TOKEN:away:end                      the session's folder is not there any more: the machine has rebooted
    ami:TOKEN:garbled:end                   the script arrived damaged, or there was no room for it
    ami:TOKEN:lacks:PROGRAM:end             the machine has no such program
    ami:TOKEN:unwritable:BASE64:end         the session's folder cannot be made, and why

DIGEST is the SHA-256 of all of the base64 text, SIZE its length. It is gzip of lines "NUMBER CODE STDOUT-SIZE
STDERR-SIZE" and "NUMBER lost", an empty line, and the streams of the former in their order. CODE is `t` for a command
that was stopped for taking too long, `u` when what ran it, or read what it wrote, was killed, `f` when there was no
room for what it wrote; streams longer than LIMIT are left out.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import re
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.validate.batch.question import LIMIT, Answer, Ended, Reply
from orchestrator.validate.errors import ConnectionFault, CorruptResponse, Unwritable

if TYPE_CHECKING:
    from collections.abc import Sequence

_ANSWER = re.compile(
    r"ami:(?P<token>[0-9a-f]+):(?P<frame>[0-9a-f]+\.\d+):(?P<digest>[0-9a-f]{64}):(?P<size>\d+)"
    r":(?P<text>[A-Za-z0-9+/=]*):end\n?"
)
_PART = re.compile(r"ami:(?P<token>[0-9a-f]+):part:(?P<index>\d+):(?P<text>[A-Za-z0-9+/=]*):end\n?")
_REFUSAL = re.compile(
    r"ami:(?P<token>[0-9a-f]+):(?P<why>away|garbled|lacks:(?P<program>\w+)|unwritable:(?P<text>[A-Za-z0-9+/=]*)):end\n?"
)

_LOST = "the process that ran it is gone, and left no exit code"
_KILLED = "what ran it, or read what it wrote, was killed"
_NO_ROOM = "No space left on device"
_FULL = "the machine had no room in /run for what commands wrote"


@dataclass(frozen=True)
class Envelope:
    """A packed answer, or its beginning; see the top of this module."""

    #: That of the script which it answers.
    token: str
    #: The file on the machine in which all of it waits.
    frame: str
    #: SHA-256 of the whole text, in hexadecimal.
    digest: str
    #: Characters of the whole text.
    size: int
    #: What of it has come.
    text: str

    def whole(self, said: Sequence[str]) -> Envelope:
        """The envelope with all of its text, from what the machine said to each part script. Raises CorruptResponse."""
        texts = [self.text]
        for index, one in enumerate(said, start=1):
            found = _PART.fullmatch(one)
            if found is None or (found["token"], found["index"]) != (self.token, str(index)):
                raise _refused(one, self.token) or CorruptResponse(f"part {index} of the machine's answer is damaged")
            texts.append(found["text"])
        text = "".join(texts)
        if len(text) != self.size or hashlib.sha256(text.encode("ascii")).hexdigest() != self.digest:
            raise CorruptResponse("the machine's answer is damaged")
        return replace(self, text=text)

    def replies(self, numbers: frozenset[int]) -> tuple[Reply, ...]:
        """The replies in a whole envelope, to some of the questions of these numbers. Raises CorruptResponse."""
        try:
            head, _, body = gzip.decompress(base64.b64decode(self.text, validate=True)).partition(b"\n\n")
            replies = _opened(head.decode("ascii").split("\n"), body)
        except (binascii.Error, EOFError, OSError, ValueError, zlib.error) as error:
            raise CorruptResponse(f"the machine's answer cannot be unpacked: {error}") from error
        answered = [reply.number for reply in replies]
        if len(set(answered)) < len(answered) or not numbers.issuperset(answered):
            raise CorruptResponse("the machine has answered what was not asked")
        return replies


def envelope(said: str, token: str) -> Envelope:
    """What the machine said to the script `token`.

    Raises CorruptResponse, or ConnectionFault for what no other try mends.
    """
    found = _ANSWER.fullmatch(said)
    if found is None or found["token"] != token:
        raise _refused(said, token) or CorruptResponse(
            f"the machine's answer is missing or cut ({len(said)} characters)"
        )
    return Envelope(token, found["frame"], found["digest"], int(found["size"]), found["text"])


def _refused(said: str, token: str) -> ConnectionFault | None:
    refusal = _REFUSAL.fullmatch(said)
    if refusal is None or refusal["token"] != token:
        return None
    if refusal["program"]:
        return ConnectionFault(f"the machine lacks the program '{refusal['program']}', without which no test can run")
    if refusal["why"] == "away":
        return ConnectionFault(
            "the machine rebooted while it was tested: what was asked before is gone",
            hint="a test that reboots the machine cannot be run; see why it did with its console output",
        )
    if refusal["text"] is not None:
        return _unwritable(base64.b64decode(refusal["text"]).decode("utf-8", "replace").strip())
    return CorruptResponse("a script arrived damaged on the machine, or there was no room for it in /run")


def _unwritable(why: str) -> ConnectionFault:
    if _NO_ROOM in why:
        return CorruptResponse(f"there is no room for what tests ask: {why}")
    return Unwritable(f"there is no place on the machine for what tests ask: {why}")


def _opened(head: list[str], body: bytes) -> tuple[Reply, ...]:
    """The replies of an answer: `head` has its lines, `body` the streams. Raises ValueError when they do not fit."""
    replies: list[Reply] = []
    at = 0
    for line in filter(None, head):
        number, code, *sizes = line.split(" ")
        if code == "lost":
            replies.append(Reply(int(number), Ended.UNCLEAR, why=_LOST))
            continue
        out, err = (int(size) for size in sizes)
        if out + err > LIMIT:
            replies.append(Reply(int(number), Ended.TOO_LARGE, size=out + err, limit=LIMIT))
            continue
        stdout, stderr = body[at : at + out], body[at + out : at + out + err]
        at += out + err
        replies.append(_reply(int(number), code, stdout, stderr))
    if at != len(body):
        raise ValueError(f"{at} bytes were announced, and {len(body)} came")
    return tuple(replies)


def _reply(number: int, code: str, stdout: bytes, stderr: bytes) -> Reply:
    if code == "t":
        return Reply(number, Ended.TIMED_OUT)
    if code in {"u", "f"}:
        return Reply(number, Ended.UNCLEAR, why=_KILLED if code == "u" else _FULL)
    return Reply(number, Ended.ANSWERED, Answer(int(code), stdout, stderr))
