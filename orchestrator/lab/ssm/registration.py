"""The calls that real agents make of Systems Manager itself, beside those of clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from orchestrator.lab.api.call import Call
    from orchestrator.lab.api.dispatch import Handler
    from orchestrator.lab.ssm.agent_calls import AgentCalls

#: Associations are State Manager's, which the lab does not have: no machine has any.
_EMPTY: dict[str, dict[str, Any]] = {
    "ListInstanceAssociations": {"Associations": []},
    "ListAssociations": {"Associations": []},
    "UpdateInstanceAssociationStatus": {},
    "PutComplianceItems": {},
}
#: What agents alone call. AWS publishes no model of these.
OWN = frozenset({"UpdateInstanceInformation", *_EMPTY})


class Registrations(Protocol):
    """Who keeps what agents say of themselves."""

    def update(self, instance_id: str, told: dict[str, Any], *, late: float = 0.0) -> None:
        """An agent has called UpdateInstanceInformation with this body; a new one is listed so many seconds later."""


class AgentRegistration:
    """Answers agents in the place of Systems Manager; what it does not know is Run Command's."""

    def __init__(self, registry: Registrations, agents: AgentCalls, others: Handler) -> None:
        self._registry = registry
        self._agents = agents
        self._others = others
        self.ACTIONS = OWN | frozenset(others.ACTIONS)

    def handle(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call. Raises AwsFault."""
        if call.action not in OWN:
            return self._others.handle(call, body)
        if call.action in _EMPTY:
            return _EMPTY[call.action]
        instance_id = str(body.get("InstanceId"))
        trouble = self._agents.trouble(instance_id)
        if trouble.refused:
            raise AwsFault("AccessDeniedException", f"not authorized to perform: {call.operation}")
        self._registry.update(instance_id, body, late=trouble.late)
        return {}
