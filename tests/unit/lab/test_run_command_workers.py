"""How many commands an agent takes on, and in which order it begins them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from orchestrator.lab.ssm.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.ssm.workers import Ticket


def settled(holds: Callable[[], bool], seconds: float = 300) -> bool:
    """Whether something holds, soon."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.005)
    return holds()


#: Commands that an agent runs at once.
RUN = 5


class Agent:
    """An agent and the numbers of the commands that it has begun."""

    def __init__(self) -> None:
        self.workers = Workers()
        self.begun: list[int] = []
        self.tickets: list[Ticket] = []

    def send(self, number: int) -> bool:
        """Whether it takes on another command."""
        ticket = self.workers.take()
        if ticket is None:
            return False
        self.tickets.append(ticket)
        threading.Thread(target=self._begin, args=(number, ticket), daemon=True).start()
        settled(lambda: number in self.begun, 300 if len(self.tickets) <= RUN else 0.05)
        return True

    def _begin(self, number: int, ticket: Ticket) -> None:
        if ticket.begin():
            self.begun.append(number)


def test_five_run_five_wait_in_order_and_the_eleventh_is_refused() -> None:
    agent = Agent()
    assert [agent.send(number) for number in range(11)] == [*[True] * 10, False]
    assert agent.begun == [0, 1, 2, 3, 4]
    agent.tickets[3].end()
    agent.tickets[3].end()
    assert settled(lambda: agent.begun == [0, 1, 2, 3, 4, 5])
    assert [agent.send(11), agent.send(12)] == [True, False]


def test_nothing_begins_once_it_is_closed() -> None:
    agent = Agent()
    for number in range(6):
        agent.send(number)
    agent.workers.close()
    agent.tickets[0].end()
    assert not settled(lambda: 5 in agent.begun, 0.05)
