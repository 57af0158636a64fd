"""Asks one machine questions, and remembers what was asked and what went wrong on the way."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from orchestrator.validate import frame
from orchestrator.validate.errors import CommandTimedOut, ConnectionFault, OutputTooLarge

if TYPE_CHECKING:
    from orchestrator.validate.frame import Answer, Envelope
    from orchestrator.validate.transport import Transport

#: The agent works on this many commands at once (`CommandWorkersLimit` in amazon-ssm-agent's configuration).
WORKERS = 5
#: Seconds that the machine's side of the frame may take around a command.
_PACKING = 30
#: Seconds that a command has when nobody says otherwise.
PATIENCE = 120.0


class Asker(Protocol):
    """Answers questions of tests: all that the Testinfra backend needs."""

    def ask(self, command: bytes, seconds: float = PATIENCE) -> Answer:
        """Run a command as root under /bin/sh. Raises CommandTimedOut, OutputTooLarge and ConnectionFault."""


@dataclass(frozen=True)
class Asked:
    """One command that was run, and how it ended: its exit code, or in words why there is none."""

    command: str
    ended: str


class Connection:
    """An Asker that sends each command by itself. It never sends a command twice.

    After a ConnectionFault everything else fails at once with the same fault: what the machine says is not to be
    trusted, and a suite of hundreds of tests must not wait for a dead machine hundreds of times.
    """

    def __init__(self, transport: Transport, *, spool: str = frame.SPOOL) -> None:
        self.asked: list[Asked] = []
        self.fault: ConnectionFault | None = None
        self._transport = transport
        self._spool = spool

    def ask(self, command: bytes, seconds: float = PATIENCE) -> Answer:
        """See Asker. Raises ValueError for a command that cannot be sent."""
        if self.fault is not None:
            raise self.fault
        question = frame.Question(command, secrets.token_hex(12), seconds)
        ended = "no answer"
        try:
            answer = self._answer(question)
            ended = str(answer.code)
        except ConnectionFault as fault:
            self.fault = fault
            raise
        except CommandTimedOut:
            ended = "timed out"
            raise
        except OutputTooLarge:
            ended = "output too large"
            raise
        finally:
            self.asked.append(Asked(question.text, ended))
        return answer

    def _answer(self, question: frame.Question) -> Answer:
        script = frame.script(question, self._spool)
        said = frame.envelope(self._transport.run(script, question.seconds + _PACKING), question)
        return frame.opened(self._fetched(said, question) if said.parts else said, question)

    def _fetched(self, waiting: Envelope, question: frame.Question) -> Envelope:
        def fetch(index: int) -> str:
            return self._transport.run(frame.part_script(waiting, index, self._spool), _PACKING)

        with ThreadPoolExecutor(WORKERS) as pool:
            said = list(pool.map(fetch, waiting.parts))
        self._transport.run(frame.discard_script(waiting, self._spool), _PACKING)
        return frame.joined(waiting, said, question)
