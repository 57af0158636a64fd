r"""How a command travels to a machine, and how its exit code and both streams come back whole. Pure text and values.

Run Command cuts output at 24,000 characters, replaces bytes that are not UTF-8, gives some exit codes meanings of their
own, and expands `{{ }}` (AWS Systems Manager User Guide, "AWS Systems Manager Run Command"). So the script that is sent
carries the command in base64 and always ends with 0; what the command did comes back as one line on standard output:

    ami:TOKEN:DIGEST:SIZE:BASE64:end        the envelope itself
    ami:TOKEN:DIGEST:SIZE::end              the envelope is too long for one answer; it waits on the machine
    ami:TOKEN:again:end                     this very question was asked before, and its only run never ended
    ami:TOKEN:lacks:PROGRAM:end             the machine has no such program

The envelope is gzip of "CODE STDOUT-SIZE STDERR-SIZE\n" and the two streams; CODE is empty when the command was stopped
for taking too long, and the streams are left out when they are longer than LIMIT. DIGEST is the SHA-256 of the base64
text, SIZE its length.

A question that is delivered twice (SendCommand was repeated because its answer was lost) runs once: the second delivery
waits for the first, and says the same.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import re
import zlib
from dataclasses import dataclass

from orchestrator.validate.errors import CommandTimedOut, ConnectionFault, OutputTooLarge

#: What is carried of one command, in bytes, both streams together.
LIMIT = 10 * 1024 * 1024
#: Characters of base64 in one answer; with the frame around them they stay under Run Command's 24,000.
PART = 23_600
#: Documents and parameters may have 64 KB; scripts stay well below that.
LONGEST_SCRIPT = 48_000
#: On a tmpfs, root's alone. What was asked leaves a folder there, so that nothing is ever run twice.
SPOOL = "/run/ami-validate"

#: Programs speak plain C whatever the machine's locale is: Testinfra reads their words.
_SCRIPT = r"""
answer() {
    token=$1 seconds=$2 dir=@SPOOL@/$1
    for program in base64 gzip sha256sum timeout; do
        command -v "$program" >/dev/null || { printf 'ami:%s:lacks:%s:end\n' "$token" "$program"; return; }
    done
    mkdir -p -m 700 @SPOOL@
    mkdir -m 700 "$dir" 2>/dev/null || { say_again; return; }
    printf %s "$3" | base64 -d >"$dir/command"
    timeout -k 2 "$seconds" /bin/sh -c '
        command=$(cat "$0/command"; echo .)
        cd /
        (exec /bin/sh -c "${command%.}" >"$0/stdout" 2>"$0/stderr")
        echo $? >"$0/code"
    ' "$dir" </dev/null >/dev/null 2>&1
    (
        cd "$dir"
        touch code stdout stderr
        out=$(wc -c <stdout) err=$(wc -c <stderr)
        {
            printf '%s %d %d\n' "$(cat code)" "$out" "$err"
            [ $((out + err)) -gt @LIMIT@ ] || { head -c "$out" stdout; head -c "$err" stderr; }
        } | gzip -c | base64 -w 0 >frame
        rm -f command code stdout stderr
        size=$(wc -c <frame)
        {
            printf 'ami:%s:%s:%d:' "$token" "$(sha256sum <frame | cut -d ' ' -f 1)" "$size"
            [ "$size" -gt @PART@ ] || { cat frame; rm -f frame; }
            printf ':end\n'
        } >saying
        mv saying said
        cat said
    )
}
say_again() {
    left=$((${seconds%.*} + 10))
    while [ ! -e "$dir/said" ] && [ "$left" -gt 0 ]; do
        sleep 1
        left=$((left - 1))
    done
    cat "$dir/said" 2>/dev/null || printf 'ami:%s:again:end\n' "$token"
}
unset LANG LANGUAGE LC_ALL
export HOME="${HOME:-/root}"
"""

_ANSWER = re.compile(
    r"ami:(?P<token>[0-9a-f]+):(?P<digest>[0-9a-f]{64}):(?P<size>\d+):(?P<text>[A-Za-z0-9+/=]*):end\n?"
)
_REFUSAL = re.compile(r"ami:(?P<token>[0-9a-f]+):(?P<why>again|lacks:(?P<program>\w+)):end\n?")
_PART = re.compile(r"ami:(?P<token>[0-9a-f]+):part:(?P<index>\d+):(?P<text>[A-Za-z0-9+/=]*):end\n?")


@dataclass(frozen=True)
class Question:
    """One command for /bin/sh, run as root. `token` (hexadecimal) is its own: two questions never share one."""

    command: bytes
    token: str
    seconds: float

    @property
    def text(self) -> str:
        """The command for people, undecodable bytes escaped."""
        return self.command.decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Answer:
    """What a command did: its real exit code and both streams whole."""

    code: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class Envelope:
    """A packed answer of which `text`, the base64, may still have to be fetched in parts."""

    token: str
    digest: str
    size: int
    text: str = ""

    @property
    def parts(self) -> range:
        """The indexes of the parts to fetch; empty when the text is here already."""
        return range(0 if self.text else -(-self.size // PART))


def script(question: Question, spool: str = SPOOL) -> str:
    """The script that asks. Raises ValueError for a command that no shell can be given, or that is too long to send."""
    if b"\0" in question.command:
        raise ValueError("a command cannot contain a NUL byte")
    encoded = base64.b64encode(question.command).decode("ascii")
    prologue = _SCRIPT.replace("@SPOOL@", spool).replace("@LIMIT@", str(LIMIT)).replace("@PART@", str(PART))
    text = f"{prologue}answer {question.token} {question.seconds:g} {encoded}\nexit 0\n"
    if len(text) > LONGEST_SCRIPT:
        room = (LONGEST_SCRIPT - len(text) + len(encoded)) * 3 // 4
        raise ValueError(f"a command of {len(question.command):,} bytes cannot be sent; there is room for {room:,}")
    return text


def part_script(envelope: Envelope, index: int, spool: str = SPOOL) -> str:
    """The script that fetches one part of an envelope that waits on the machine."""
    return (
        f"printf 'ami:%s:part:%s:' {envelope.token} {index}\n"
        f"tail -c +{index * PART + 1} {spool}/{envelope.token}/frame | head -c {PART}\n"
        "printf ':end\\n'\nexit 0\n"
    )


def discard_script(envelope: Envelope, spool: str = SPOOL) -> str:
    """The script that removes an envelope from the machine."""
    return f"rm -f {spool}/{envelope.token}/frame\nexit 0\n"


def envelope(said: str, question: Question) -> Envelope:
    """Read what the machine said to a question. Raises ConnectionFault unless it is a whole and unaltered frame."""
    found = _ANSWER.fullmatch(said)
    if found is None or found["token"] != question.token:
        raise ConnectionFault(_why_not(said, question))
    read = Envelope(found["token"], found["digest"], int(found["size"]), found["text"])
    if not read.text and read.size <= PART:
        raise ConnectionFault(f"the machine's answer is empty: {question.text}")
    if read.text:
        _verify(read, question)
    return read


def joined(waiting: Envelope, said: list[str], question: Question) -> Envelope:
    """The envelope with its text, from what the machine said to each part script. Raises ConnectionFault."""
    texts = []
    for index, one in enumerate(said):
        found = _PART.fullmatch(one)
        if found is None or (found["token"], found["index"]) != (waiting.token, str(index)):
            raise ConnectionFault(
                f"part {index + 1} of {len(said)} of the machine's answer is damaged: {question.text}"
            )
        texts.append(found["text"])
    whole = Envelope(waiting.token, waiting.digest, waiting.size, "".join(texts))
    _verify(whole, question)
    return whole


def opened(whole: Envelope, question: Question) -> Answer:
    """The answer in a whole envelope. Raises CommandTimedOut, OutputTooLarge, or ConnectionFault when it is damaged."""
    try:
        head, _, body = gzip.decompress(base64.b64decode(whole.text, validate=True)).partition(b"\n")
        code, out, err = head.decode("ascii").split(" ")
        sizes = int(out), int(err)
    except (binascii.Error, EOFError, OSError, ValueError, zlib.error) as error:
        raise ConnectionFault(f"the machine's answer cannot be unpacked ({error}): {question.text}") from error
    if not code:
        raise CommandTimedOut(question.text, question.seconds)
    if sum(sizes) > LIMIT:
        raise OutputTooLarge(question.text, sum(sizes), LIMIT)
    if len(body) != sum(sizes) or not code.isdigit():
        raise ConnectionFault(f"the machine's answer is incomplete: {question.text}")
    return Answer(int(code), body[: sizes[0]], body[sizes[0] :])


def _verify(read: Envelope, question: Question) -> None:
    if len(read.text) != read.size or hashlib.sha256(read.text.encode("ascii")).hexdigest() != read.digest:
        raise ConnectionFault(f"the machine's answer is damaged: {question.text}")


def _why_not(said: str, question: Question) -> str:
    refusal = _REFUSAL.fullmatch(said)
    if refusal is None or refusal["token"] != question.token:
        return f"the machine's answer is missing or cut ({len(said)} characters): {question.text}"
    if refusal["program"]:
        return f"the machine lacks the program '{refusal['program']}', without which no test can run"
    return f"the command was delivered twice, and its only run never came to an end: {question.text}"
