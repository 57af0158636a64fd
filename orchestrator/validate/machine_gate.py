"""What a module of `gates/` needs to be a gate of a booted machine: `GATE`, and the machine that it gets to look at."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

from orchestrator.progress import Event, Stage
from orchestrator.validate.batch.question import PATIENCE, Question
from orchestrator.validate.gate import Finding, Gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from orchestrator.progress import Listener
    from orchestrator.validate.batch.conversation import Conversation
    from orchestrator.validate.batch.question import Answer, Reply
    from orchestrator.validate.machine.boot import BootedMachine
    from orchestrator.validate.request import ValidateRequest


class GateOrder(IntEnum):
    """When a gate looks at the machine. Those of the same order look in the order of their names."""

    #: Waits until the machine has finished booting.
    SETTLE = 0
    #: Only reads: an inventory, a scan, a score. It sees the machine as it booted.
    READ = 1
    #: May change the machine, as tests may.
    CHANGE = 2


@dataclass(frozen=True)
class MachineContext:
    """A booted machine while one gate looks at it."""

    #: What is validated, where, and for which image.
    request: ValidateRequest
    machine: BootedMachine
    #: How the machine is asked. It is this gate's own until it returns.
    conversation: Conversation
    listener: Listener
    #: The number of the next question of `answers`.
    _numbers: Iterator[int] = field(default_factory=count, init=False, repr=False, compare=False)

    def answers(self, *commands: str, seconds: float = PATIENCE) -> tuple[Answer, ...]:
        """Run commands as root under /bin/sh, side by side, `seconds` for each. The answers are in their order.

        A command may end with any exit code. Raises CommandTimedOut, OutputTooLarge, CommandUnclear, ConnectionFault,
        Interrupted, and ValueError for a command that cannot be sent.
        """
        asked = [Question(next(self._numbers), command.encode(), seconds) for command in commands]
        replies = self.replies(*asked)
        return tuple(replies[question.number].of(question) for question in asked)

    def replies(self, *questions: Question) -> dict[int, Reply]:
        """What became of each question, by its number, whether it was answered or not. All are one round.

        No two questions of one gate may share a number: a gate uses either this or `answers`.
        """
        rounds = self.conversation.ask(questions, self.machine.connection.tally)
        return {reply.number: reply for replies in rounds for reply in replies}

    def say(
        self,
        message: str,
        stage: Stage = Stage.TEST,
        *,
        role: str = "",
        seconds: float | None = None,
        detail: bool = False,
    ) -> None:
        """Tell people how it goes; a `detail` only to those who want every one."""
        self.listener(Event(self.request.image.name, stage, message, role=role, seconds=seconds, detail=detail))


#: Looks at a machine, and says what it found out.
LooksAtMachine: TypeAlias = "Callable[[MachineContext], Finding]"


@dataclass(frozen=True)
class MachineGate:
    """A gate of booted machines: what a module of `gates/` calls `GATE`."""

    name: str
    about: str
    #: Makes ready what the gate needs, before a machine is booted, for as long as the validation lasts: what it raises
    #: costs no machine. `at_once` is for gates that need nothing.
    prepare: Callable[[ValidateRequest], AbstractContextManager[LooksAtMachine]]
    order: GateOrder = GateOrder.READ

    @contextmanager
    def prepared(self, request: ValidateRequest) -> Iterator[Gate[MachineContext]]:
        """The gate, ready for the machines of one validation."""
        with self.prepare(request) as run:
            yield Gate(self.name, self.about, run)


def at_once(
    run: LooksAtMachine,
) -> Callable[[ValidateRequest], AbstractContextManager[LooksAtMachine]]:
    """The `prepare` of a gate that needs nothing before there is a machine."""

    @contextmanager
    def prepare(_: ValidateRequest) -> Iterator[LooksAtMachine]:
        yield run

    return prepare
