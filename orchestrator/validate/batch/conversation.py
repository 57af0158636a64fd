"""Asks one machine questions in rounds, and gets each answered once, whatever happens on the way."""

from __future__ import annotations

import queue
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.errors import Interrupted
from orchestrator.validate.batch import script
from orchestrator.validate.batch.envelope import envelope
from orchestrator.validate.batch.question import Ended, Reply
from orchestrator.validate.batch.script import LONGEST_COMMAND, SPOOL, Chunk, Done, Session
from orchestrator.validate.errors import ConnectionFault, CorruptResponse, NoResponse, Unwritable
from orchestrator.validate.machine.systemd_unit import SHOW, unit_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from orchestrator.validate.batch.envelope import Envelope
    from orchestrator.validate.batch.question import Question
    from orchestrator.validate.machine.transport import Transport
    from orchestrator.validate.round import CallCount

#: The agent works on this many commands at once (`CommandWorkersLimit` in amazon-ssm-agent's configuration).
WORKERS = 5
#: Seconds for which a machine of which nothing is heard is asked again, while it is there.
_ENDURE = 180
#: How often in a row an answer may be damaged: the last time is final.
_DAMAGED = 2
#: How many scripts may wait for slow commands at once.
_WAITS = 2
#: Seconds between two attempts.
_PAUSE = 2
#: Seconds besides its own after which a command that was begun counts as lost.
_GRACE = 90
_SILENT = "it was begun, and its end was not seen in time"


class Conversation:
    """A session with one machine over a transport. Several threads may ask at once.

    `stop`, once set, ends everything with Interrupted; `gone` tells whether the machine is lost for good, and is asked
    only when nothing is heard of it.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        stop: threading.Event,
        gone: Callable[[], bool] = lambda: False,
        spool: str = SPOOL,
    ) -> None:
        self._transport = transport
        self._stop = stop
        self._gone = gone
        self._session = Session(secrets.token_hex(8), spool)
        self._lock = threading.Lock()
        self._spent: list[str] = []
        self._failed: list[str] = []
        self._chunks = 0
        self._fault: ConnectionFault | None = None
        #: What is added to the numbers of questions: no two of a session may share one on the machine.
        self._numbers_before = 0
        #: The highest number that was sent to the machine.
        self._highest = -1
        #: The agent has other things to do than to wait for slow commands, and those keep no script from being sent.
        self._sends, self._waits = threading.Semaphore(WORKERS), threading.Semaphore(_WAITS)

    def close(self) -> None:
        """End what is still asked, with Interrupted."""
        self._stop.set()

    def continued(self, transport: Transport, *, stop: threading.Event) -> Conversation:
        """The same session over another transport, for whoever asks next. `close` of the one does not end the other.

        The questions of both may have the same numbers. It takes over what is known of the machine so far: a reboot
        between the two is seen, and after a ConnectionFault nothing more can be asked.
        """
        following = Conversation(transport, stop=stop, gone=self._gone, spool=self._session.spool)
        with self._lock:
            following._session, following._fault = self._session, self._fault
            following._spent, following._failed = [*self._spent], [*self._failed]
            following._chunks, following._highest = self._chunks, self._highest
            following._numbers_before = self._highest + 1
        return following

    def ask(self, questions: Sequence[Question], tally: CallCount) -> Iterator[tuple[Reply, ...]]:
        """One round: replies as they become known, exactly one for each question.

        Raises ConnectionFault, after which nothing more can be asked, and Interrupted.
        """
        before = self._numbers_before
        numbered = [replace(one, number=one.number + before) for one in questions]
        with self._lock:
            self._highest = max(self._highest, *(one.number for one in numbered), -1)
        for replies in self._round(numbered, tally):
            yield tuple(replace(one, number=one.number - before) for one in replies)

    def _round(self, questions: Sequence[Question], tally: CallCount) -> Iterator[tuple[Reply, ...]]:
        chunks, refused = self._cut(questions)
        if refused:
            yield refused
        if len(chunks) == 1:
            yield from self._asked(chunks[0], tally)
            return
        heard: queue.SimpleQueue[tuple[Reply, ...] | None] = queue.SimpleQueue()
        with ThreadPoolExecutor(len(chunks) or 1, thread_name_prefix="chunk") as pool:
            following = [pool.submit(self._follow, chunk, tally, heard) for chunk in chunks]
            for _ in chunks:
                yield from iter(heard.get, None)
        errors = [error for one in following if (error := one.exception())]
        # One that fails ends the others with Interrupted.
        for error in sorted(errors, key=lambda one: isinstance(one, Interrupted)):
            raise error

    def _follow(self, chunk: Chunk, tally: CallCount, heard: queue.SimpleQueue[tuple[Reply, ...] | None]) -> None:
        try:
            for replies in self._asked(chunk, tally):
                heard.put(replies)
        except ConnectionFault:
            self.close()
            raise
        finally:
            heard.put(None)

    def _cut(self, questions: Sequence[Question]) -> tuple[list[Chunk], tuple[Reply, ...]]:
        """As few chunks as it takes, in order; and the replies to questions that no script can carry."""
        chunks: list[Chunk] = []
        refused = [Reply(one.number, Ended.REFUSED, why=why) for one in questions if (why := _unfit(one.command))]
        rest = tuple(one for one in questions if not _unfit(one.command))
        while rest:
            fits = self._fitting(rest)
            if fits:
                chunks.append(Chunk(self._name(), rest[:fits]))
            else:
                refused.append(Reply(rest[0].number, Ended.REFUSED, why=self._too_long(rest[0])))
            rest = rest[fits or 1 :]
        return [replace(chunk, share=min(len(chunks), WORKERS)) for chunk in chunks], tuple(refused)

    def _too_long(self, question: Question) -> str:
        return (
            f"a command of {len(question.command):,} bytes cannot be sent: its script would be longer than the "
            f"{self._transport.longest_script:,} characters that are carried"
        )

    def _fitting(self, questions: tuple[Question, ...]) -> int:
        """How many of the first questions fit into one script."""
        longest = self._transport.longest_script
        fits, beyond, tried = 0, len(questions) + 1, len(questions)
        while beyond - fits > 1:
            if self._length(questions[:tried]) <= longest:
                fits = tried
            else:
                beyond = tried
            tried = (fits + beyond) // 2
        return fits

    def _length(self, questions: tuple[Question, ...]) -> int:
        return script.length(self._session, Chunk("k00000", questions), longest=self._transport.longest_output)

    def _name(self) -> str:
        with self._lock:
            self._chunks += 1
            return f"k{self._chunks}"

    def _asked(self, chunk: Chunk, tally: CallCount) -> Iterator[tuple[Reply, ...]]:
        if self._fault is not None:
            raise self._fault
        try:
            yield from self._answered(chunk, tally)
        except ConnectionFault as fault:
            self._fault = fault
            raise

    def _answered(self, chunk: Chunk, tally: CallCount) -> Iterator[tuple[Reply, ...]]:
        left = {question.number: question for question in chunk.questions}
        brought = False
        attempts = _Attempts(self._gone, self._stop)
        while left:
            try:
                replies = self._heard(chunk, frozenset(left), tally, again=brought)
            except (NoResponse, CorruptResponse) as fault:
                attempts.failed(fault)
                brought = False
                continue
            brought = True
            attempts.succeeded(moved=bool(replies))
            if attempts.still > max(question.seconds for question in left.values()) + _GRACE:
                replies = tuple(Reply(number, Ended.UNCLEAR, why=_SILENT) for number in left)
            for reply in replies:
                del left[reply.number]
            if replies:
                yield replies

    def _heard(self, chunk: Chunk, left: frozenset[int], tally: CallCount, *, again: bool) -> tuple[Reply, ...]:
        """Send one script; what it says of the questions that are left."""
        token = secrets.token_hex(6)
        with self._waits if again else self._sends:
            session, done = self._taken()  # as they are when it is sent: a session may begin only once
            text = script.ask_script(
                session,
                chunk,
                sorted(left),
                token=token,
                again=again,
                done=done,
                longest=self._transport.longest_output,
            )
            with self._given_back(done, token):
                tally.script()
                try:
                    first = envelope(self._transport.run(text, script.SECONDS, tally), token)
                except Unwritable as fault:
                    raise self._explained(fault, tally) from fault
            with self._lock:
                self._session = replace(session, begun=True)
        with self._given_back(done, token):
            said = self._whole(session, first, tally)
            replies = said.replies(left)
        with self._lock:
            self._spent.append(said.frame)
        return replies

    def _explained(self, fault: Unwritable, tally: CallCount) -> Unwritable:
        """The fault with what the unit, in which commands run on the machine, has to do with it."""
        unit = unit_of(self._transport.run(f"{SHOW}\nexit 0\n", script.SECONDS, tally))
        blame = unit.blame(fault.message)
        if not blame:
            return fault
        hint = f"give the unit {unit.name} ReadWritePaths=/run, or take the setting back"
        return Unwritable(f"{fault.message}; {blame}", hint=hint)

    def _taken(self) -> tuple[Session, Done]:
        """The session as it is, and what the next script shall remove."""
        with self._lock:
            done = Done(tuple(self._spent[: Done.MOST]), tuple(self._failed[: Done.MOST]))
            self._spent, self._failed = self._spent[Done.MOST :], self._failed[Done.MOST :]
            return self._session, done

    @contextmanager
    def _given_back(self, done: Done, token: str) -> Iterator[None]:
        """When a script fails, the next one shall remove what it should have, and what it may have left."""
        try:
            yield
        except ConnectionFault:
            with self._lock:
                self._spent += done.frames
                self._failed += [*done.tokens, token]
            raise

    def _whole(self, session: Session, said: Envelope, tally: CallCount) -> Envelope:
        """The answer with the parts that have not come with it. A part that is not heard is fetched once more."""
        longest = self._transport.longest_output
        attempts = _Attempts(self._gone, self._stop)

        def fetch(index: int) -> str:
            text = script.part_script(session, said, index, longest=longest)
            while True:
                tally.part()
                try:
                    part = self._transport.run(text, script.SECONDS, tally)
                except NoResponse as fault:
                    attempts.failed(fault)
                else:
                    attempts.succeeded(moved=True)
                    return part

        with ThreadPoolExecutor(WORKERS, thread_name_prefix="part") as pool:
            return said.whole(list(pool.map(fetch, script.parts(said, longest=longest))))


def _unfit(command: bytes) -> str:
    """Why no shell can be given a command; empty when it can."""
    if b"\0" in command:
        return "a command cannot contain a NUL byte"
    if len(command) > LONGEST_COMMAND:
        return f"a command of {len(command):,} bytes cannot be sent: an argument may have {LONGEST_COMMAND:,}"
    return ""


class _Attempts:
    """Whether it is worth to go on asking for the answers to one chunk."""

    def __init__(self, gone: Callable[[], bool], stop: threading.Event) -> None:
        self._gone = gone
        self._stop = stop
        self._moved = time.monotonic()
        #: Since when nothing was heard. A script that waits to be sent is no silence of the machine's.
        self._silent: float | None = None
        self._damaged = 0

    @property
    def still(self) -> float:
        """Seconds for which the machine answered and nothing has ended there."""
        return time.monotonic() - self._moved

    def failed(self, fault: NoResponse | CorruptResponse) -> None:
        """Nothing was heard, or nothing that can be believed. Raises `fault` when that is final, and Interrupted."""
        self._damaged = self._damaged + 1 if isinstance(fault, CorruptResponse) else 0
        if self._silent is None:
            self._silent = time.monotonic()
        if self._damaged == _DAMAGED or time.monotonic() - self._silent > _ENDURE or self._gone():
            raise fault
        if self._stop.wait(_PAUSE):
            raise Interrupted("nothing is asked any more")
        self._moved = time.monotonic()

    def succeeded(self, *, moved: bool) -> None:
        """The machine was heard; `moved`: and questions had ended there."""
        self._damaged = 0
        self._silent = None
        if moved:
            self._moved = time.monotonic()
