r"""What is sent to a machine so that it answers questions. Pure text.

Run Command cuts output at 24,000 characters, replaces bytes that are not UTF-8, gives some exit codes meanings of their
own, and expands `{{ }}` (AWS Systems Manager User Guide, "AWS Systems Manager Run Command"). So a script carries what
is to be run in gzip and base64, always ends with 0, and says one line (see envelope.py).

Every script is idempotent. attend.sh, which each brings along, lets a question be claimed once, however often and by
however many deliveries it arrives, and works on it in processes that do not end with the script. So a script whose
answer was lost is simply followed by another one: it starts what nobody has claimed, and tells how the rest has ended.

All that a session leaves on the machine is in a folder on a tmpfs, root's alone. The first script makes it; every other
one demands it, so that no answer comes from a machine that has rebooted meanwhile.
"""

from __future__ import annotations

import base64
import gzip
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, ClassVar

from orchestrator.validate.batch.question import LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.validate.batch.envelope import Envelope
    from orchestrator.validate.batch.question import Question

#: Where sessions have their folders.
SPOOL = "/run/ami-validate"
#: Characters that the frame around a part of an answer takes at most.
_FRAME = 400

#: Seconds after which a script brings back what has been answered, if anything has: its first, and a later one of the
#: same questions; and the seconds after which it ends in any case.
EARLY, EARLY_LATER = 5, 1
LATEST, LATEST_LATER = 8, 20
#: Seconds that a script may take: what is longest to wait, and as much to pack answers on a busy machine.
SECONDS = LATEST_LATER + 15
#: Bytes of a command; more cannot be an argument of a program: execve(2), MAX_ARG_STRLEN.
LONGEST_COMMAND = 131_071

_SCRIPT = """\
say() {{
    printf 'ami:{token}:%s:end\\n' "$1"
    exit 0
}}
for program in base64 gzip setsid sha256sum timeout; do
    command -v "$program" >/dev/null || say "lacks:$program"
done
umask=$(umask)
{folder}cd {session} 2>/dev/null || {missing}
echo room 2>/dev/null >room.$$ || true >full
{removed}umask 077
printf %s '{payload}' | base64 -d 2>/dev/null | gzip -dc 2>/dev/null >{token}.$$ || say garbled
umask "$umask"
{chunk}. ./{token}.$$
rm -f {token}.$$
attend {name} {token} {early} {latest} {share} {part}
exit 0
"""
#: Says why the folder could not be made.
_UNWRITABLE = 'say "unwritable:$(LC_ALL=C mkdir -p {session} 2>&1 | base64 -w 0)"'


@dataclass(frozen=True)
class Session:
    """The folder of one conversation."""

    #: Its name in the spool.
    token: str
    #: The folder on the machine in which sessions have theirs.
    spool: str = SPOOL
    #: An answer has come: the folder is there.
    begun: bool = False

    @property
    def folder(self) -> str:
        """The path of the folder on the machine."""
        return f"{self.spool}/{self.token}"

    @property
    def made(self) -> str:
        """The lines of shell that make it; none when it is there."""
        if self.begun:
            return ""
        folders = (self.spool, self.folder, *(f"{self.folder}/{name}" for name in ("claimed", "live", "ended")))
        return "".join(f"[ -d {one} ] || mkdir -m 700 {one} 2>/dev/null\n" for one in folders)


@dataclass(frozen=True)
class Done:
    """What a script removes: frames whose answers have arrived, and what the scripts of some tokens have left."""

    frames: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()

    #: How many of each a script removes at most.
    MOST: ClassVar[int] = 8

    @property
    def removed(self) -> str:
        """The line that does it."""
        if not self.frames and not self.tokens:
            return ""
        named = f"$(cat {' '.join(f'{frame}.names' for frame in self.frames)} 2>/dev/null) " if self.frames else ""
        others = [*(f"{frame} {frame}.names" for frame in self.frames), *(f"{token}.*" for token in self.tokens)]
        return f"rm -f {named}{' '.join(others)}\n"


@dataclass(frozen=True)
class Chunk:
    """Questions that one script carries."""

    #: No two chunks of a session share one.
    name: str
    questions: tuple[Question, ...]
    #: How many scripts work side by side, this one included.
    share: int = 1


def ask_script(
    session: Session, chunk: Chunk, left: Iterable[int], *, token: str, again: bool, done: Done, longest: int
) -> str:
    """The script that asks for the answers to the questions `left` of a chunk.

    It brings all of them along unless it is there `again` for those that it brought before. `done` is what is not
    needed any more; `token` (hexadecimal) marks what it says, which is no more than `longest` characters.
    """
    program = [f"limit={LIMIT}", _attend(), f"left='{' '.join(str(number) for number in left)}'"]
    if not again:
        program += ["questions() {", *(_line(question) for question in chunk.questions), ":", "}"]
        program += [f'if [ "${{1-}}" = work ]; then echo $$ >>{chunk.name}.workers; questions; exit; fi']
    return _SCRIPT.format(
        token=token,
        folder=session.made,
        session=session.folder,
        missing="say away" if session.begun else _UNWRITABLE.format(session=session.folder),
        removed=done.removed,
        payload=_packed("\n".join([*program, ""])),
        chunk="" if again else f"ln {token}.$$ {chunk.name} 2>/dev/null\n",
        name=chunk.name,
        early=(EARLY_LATER if again else EARLY) * 100,
        latest=(LATEST_LATER if again else LATEST) * 100,
        share=chunk.share,
        part=longest - _FRAME,
    )


def part_script(session: Session, envelope: Envelope, index: int, *, longest: int) -> str:
    """The script that fetches the part `index` (the first is 1) of an answer of which a part has come."""
    part = longest - _FRAME
    return (
        f"cd {session.folder} 2>/dev/null || {{ printf 'ami:%s:away:end\\n' {envelope.token}; exit 0; }}\n"
        f"printf 'ami:%s:part:%d:' {envelope.token} {index}\n"
        f"tail -c +{index * part + 1} {envelope.frame} | head -c {part}\n"
        "printf ':end\\n'\nexit 0\n"
    )


def parts(envelope: Envelope, *, longest: int) -> range:
    """The indexes of the parts that have not come with the envelope."""
    return range(1, -(-envelope.size // (longest - _FRAME)))


def length(session: Session, chunk: Chunk, *, longest: int) -> int:
    """How long the script that brings a chunk may become, in characters: with everything else that it may carry."""
    left = (question.number for question in chunk.questions)
    done = Done((f"{'0' * 12}.{'0' * 7}",) * Done.MOST, ("0" * 12,) * Done.MOST)
    return len(ask_script(session, chunk, left, token="0" * 12, again=False, done=done, longest=longest))


def _line(question: Question) -> str:
    text = question.command.decode("latin-1").replace("'", "'\\''")
    turn = f" {question.turn}" if question.turn else ""
    return f"run {question.number} {question.seconds:g} {int(question.seconds * 100)} '{text}'{turn}"


def _packed(program: str) -> str:
    return base64.b64encode(gzip.compress(program.encode("latin-1"), mtime=0)).decode("ascii")


@cache
def _attend() -> str:
    text = resources.files(__package__).joinpath("attend.sh").read_text(encoding="ascii")
    return re.sub(r"(?m)^ *#.*\n|^ +", "", text)
