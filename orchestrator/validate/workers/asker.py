"""What a session of tests needs: a machine that is asked in rounds, and somebody who asks it for a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.validate.batch.question import Answer, Question, Reply
    from orchestrator.validate.workers.ipc import Fault


class MachineUnderTest(Protocol):
    """The machine as the coordinator meets it: rounds go out, and what comes back does so at its own pace."""

    def fileno(self) -> int:
        """Readable when something has come back."""

    def send(self, number: int, waiting: int, questions: Sequence[Question]) -> None:
        """Send a round, for which `waiting` questions wait."""

    def receive(self) -> list[tuple[int, tuple[Reply, ...]] | Fault]:
        """What has come back: replies to the questions of a round, or that the machine cannot be asked any more."""


class Asker(Protocol):
    """Answers questions of tests: all that the backend needs."""

    def ask(self, command: bytes, seconds: float, *, reads: bool) -> Answer:
        """Run a command as root under /bin/sh. One that only `reads` may have its answer from an equal one.

        Raises CommandTimedOut, OutputTooLarge, CommandUnclear, ConnectionFault, and ValueError for a command that no
        script can carry.
        """


class PassesQuestions(Protocol):
    """What passes the questions of tests on to an asker: the backend of Testinfra."""

    asker: Asker
