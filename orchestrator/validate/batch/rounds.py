"""Which questions wait, and when they are sent together: the rounds of a session. Pure: it is told the time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from orchestrator.validate.batch.question import Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.validate.batch.question import Reply

Asker = TypeVar("Asker")

#: Seconds for which no question has come, after which a round does not wait for tests that compute or sleep.
QUIET = 0.3
#: Seconds that a question waits at most for others to come.
LONGEST = 5.0
#: Seconds after which a round that has brought no answer yet does not keep back the next one.
SLOW = 5.0


@dataclass(frozen=True)
class PendingQuestion(Generic[Asker]):
    """A question of one asker."""

    asker: Asker
    command: bytes
    seconds: float
    #: Known to read only, so that one answer serves all who ask the same. Any other command runs for each who asks,
    #: one after the other: two `apt-get check` at once refuse each other the lock.
    reads: bool


@dataclass
class Flight(Generic[Asker]):
    """A round under way: who waits for which of its questions."""

    number: int
    began: float
    waiting: dict[int, list[PendingQuestion[Asker]]]
    answered: bool = False


@dataclass
class Rounds(Generic[Asker]):
    """Gathers questions into rounds."""

    #: The highest number that a question has so far.
    numbered: int = 0
    #: A command was sent that may have changed the machine.
    touched: bool = False
    _waiting: list[PendingQuestion[Asker]] = field(default_factory=list)
    _flights: dict[int, Flight[Asker]] = field(default_factory=dict)
    #: When the first and the last of the waiting questions came, by the clock of `add`.
    _first: float = 0.0
    _last: float = 0.0
    #: How many rounds were sent.
    _rounds: int = 0
    #: The turn of each command that may change something: its questions run one after the other.
    _turns: dict[bytes, int] = field(default_factory=dict)

    def add(self, asked: PendingQuestion[Asker], now: float) -> None:
        """A question has come."""
        if not self._waiting:
            self._first = now
        self._last = now
        self._waiting.append(asked)

    def due(self, now: float, *, running: bool) -> float | None:
        """Seconds until the next round is to be sent; None: not before something happens.

        `running` says whether there are tests that may still ask something, because they compute or sleep.
        """
        if not self._waiting:
            return None
        first = max((one.began + SLOW for one in self._flights.values() if not one.answered), default=now)
        if running:
            first = max(first, min(self._last + QUIET, self._first + LONGEST))
        return max(0.0, first - now)

    def take(self, now: float) -> tuple[int, int, tuple[Question, ...]]:
        """Send what waits: the number of the round, how many wait for it, and its questions in their order.

        Nobody waits who has not asked, so that no answer is older than its question.
        """
        self._rounds += 1
        reading: dict[tuple[bytes, float], int] = {}
        waiting: dict[int, list[PendingQuestion[Asker]]] = {}
        questions: list[Question] = []
        for one in self._waiting:
            number = reading.get((one.command, one.seconds)) if one.reads else None
            if number is None:
                self.numbered = number = self.numbered + 1
                turn = 0 if one.reads else self._turns.setdefault(one.command, len(self._turns) + 1)
                questions.append(Question(number, one.command, one.seconds, turn))
                if one.reads:
                    reading[one.command, one.seconds] = number
            waiting.setdefault(number, []).append(one)
        self._flights[self._rounds] = Flight(self._rounds, now, waiting)
        self.touched = self.touched or not all(one.reads for one in self._waiting)
        count = len(self._waiting)
        self._waiting = []
        return self._rounds, count, tuple(questions)

    def land(self, number: int, replies: Sequence[Reply]) -> list[tuple[PendingQuestion[Asker], Reply]]:
        """Replies have come: who gets which."""
        flight = self._flights.get(number)
        if flight is None:  # nobody waits for it any more
            return []
        flight.answered = True
        handed = [(one, reply) for reply in replies for one in flight.waiting.pop(reply.number, ())]
        if not flight.waiting:
            del self._flights[number]
        return handed

    def withdraw(self) -> list[PendingQuestion[Asker]]:
        """Everybody who waits for anything; nobody does any more."""
        waiting = [
            *self._waiting,
            *(one for flight in self._flights.values() for some in flight.waiting.values() for one in some),
        ]
        self._waiting = []
        self._flights = {}
        return waiting

    def forget(self, askers: Iterable[Asker]) -> None:
        """These askers are gone: what they asked and was not sent is not asked."""
        gone = list(askers)
        self._waiting = [one for one in self._waiting if one.asker not in gone]
