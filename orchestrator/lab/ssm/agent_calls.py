"""The calls that a machine's agent makes when it starts, and what the faults do to them.

The real agent calls Systems Manager (UpdateInstanceInformation) before it is online. Its SDK repeats a call that is
throttled or answered with a 5xx; when that does not help, the agent sleeps for five minutes.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.lab.api.call import Call, Protocol
from orchestrator.lab.api.fault_rules import AGENT_CALL, AGENT_METADATA

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.api.faults import Faults

LOG = logging.getLogger(__name__)

#: Seconds for which the agent sleeps after a call that failed.
SLEEP = 300
#: How often the agent's SDK asks (aws-sdk-go's default of three repetitions).
_ATTEMPTS = 4


@dataclass(frozen=True)
class AgentTrouble:
    """What faults do to the call with which a real agent registers."""

    refused: bool = False
    late: float = 0.0
    """Seconds for which it is not listed yet."""


class AgentCalls:
    """Answers the agents of a lab. Safe to use from many threads.

    `waits`: see Settings.agent_waits. `late`: how many seconds after its first call an agent is online (`Times.agent`).
    """

    def __init__(
        self, faults: Faults, waits: float, *, late: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._faults = faults
        self._waits = waits
        self._late = late
        self._clock = clock
        self._first: dict[str, float] = {}
        self._lock = threading.Lock()

    def find_metadata(self) -> bool:
        """Whether an agent that starts reaches the metadata service."""
        return not self._faults.within(AGENT_METADATA).agent_lacks_metadata()

    def trouble(self, instance_id: str) -> AgentTrouble:
        """What becomes of a real agent's call. Its waits are its own, and `waits` does not scale them."""
        trouble = self._faults.within(AGENT_CALL)
        with self._lock:
            since = self._clock() - self._first.setdefault(instance_id, self._clock())
        if trouble.agent_refused(since):
            LOG.info("the agent of %s is refused", instance_id)
            return AgentTrouble(refused=True)
        return AgentTrouble(late=max(trouble.agent_late(since), self._late - since))

    def register(self, instance_id: str, region: str) -> float | None:
        """The seconds after which the agent calls again; None when its call is answered well."""
        service, _, action = AGENT_CALL.partition(":")
        call = Call(service, region, action, Protocol.JSON)
        with self._lock:
            since = (self._clock() - self._first.setdefault(instance_id, self._clock())) / self._waits
        for _ in range(_ATTEMPTS):
            trouble = self._faults.meet(call, b"")
            if trouble.agent_refused(since):
                LOG.info("the agent of %s is refused", instance_id)
                break
            if (late := max(trouble.agent_late(since), self._late - since)) > 0:
                return late * self._waits
            if trouble.refusal is None and trouble.lost is None:
                return None
        return SLEEP * self._waits
