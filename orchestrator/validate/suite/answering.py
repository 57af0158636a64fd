"""Answers the rounds of a suite's process: each in a thread of its own, written back as soon as replies are known."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.errors import AmiError, Interrupted
from orchestrator.validate.batch.question import Question
from orchestrator.validate.round import CallCount, Round

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from subprocess import Popen
    from types import TracebackType
    from typing import Self

    from orchestrator.validate.batch.question import Reply

#: How many rounds may be under way: slow commands keep one open, others go on beside it. There may be as many as tests
#: that wait; what they send to the machine at once has a bound of its own.
_ROUNDS = 1024


class AnswersRounds(Protocol):
    """A machine that answers rounds."""

    def ask(self, questions: Sequence[Question], tally: CallCount) -> Iterator[tuple[Reply, ...]]:
        """One round: replies as they become known, exactly one for each question. Raises as Conversation.ask does."""

    def close(self) -> None:
        """End what is still asked, with Interrupted."""


class Answering:
    """The answers for one process. `rounds` are those that have ended."""

    def __init__(self, process: Popen[bytes], machine: AnswersRounds | None) -> None:
        self.calls: Counter[str] = Counter()
        self._rounds: list[Round] = []
        self._process = process
        self._machine = machine
        self._writing, self._counting = threading.Lock(), threading.Lock()
        self._pool = ThreadPoolExecutor(_ROUNDS, thread_name_prefix="round")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The process has ended: nobody waits for answers any more.
        if self._machine is not None:
            self._machine.close()
        self._pool.shutdown()
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):  # it was killed before it had read everything
                self._process.stdin.close()

    @property
    def rounds(self) -> tuple[Round, ...]:
        """The rounds in their order."""
        return tuple(sorted(self._rounds, key=lambda one: one.number))

    def write(self, line: str) -> None:
        """Say a line to the process, if it still listens."""
        stdin = self._process.stdin
        if stdin is None:
            return
        with self._writing:
            try:
                stdin.write(line.encode() + b"\n")
                stdin.flush()
            except (BrokenPipeError, ValueError):
                return  # it has ended, as its output tells

    def ask(self, event: dict[str, Any]) -> None:
        """Begin to answer an event `ask` of main.py."""
        self._pool.submit(self._answer, event)

    def _answer(self, event: dict[str, Any]) -> None:
        questions = [Question.from_json(one) for one in event["questions"]]
        tally = CallCount()
        began = time.monotonic()
        try:
            # Without a machine tests are only collected, and ask nothing.
            for replies in self._machine.ask(questions, tally) if self._machine else ():
                self.write(json.dumps({"round": event["round"], "replies": [one.as_json() for one in replies]}))
        except Interrupted:
            return  # the process is being killed
        except AmiError as error:
            self.write(json.dumps({"fault": error.message}))
        except Exception as error:
            self.write(json.dumps({"fault": f"{type(error).__name__}: {error}"}))
            raise
        finally:
            self._count(event, len(questions), tally, time.monotonic() - began)

    def _count(self, event: dict[str, Any], commands: int, tally: CallCount, seconds: float) -> None:
        done = Round(
            number=event["round"],
            waiting=event["waiting"],
            commands=commands,
            calls=tally.calls.total(),
            scripts=tally.scripts,
            parts=tally.parts,
            seconds=seconds,
        )
        with self._counting:
            self.calls.update(tally.calls)
            self._rounds.append(done)
