"""What the lab's server answers at `door.FAULTS`: rules are set, listed and cleared there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.errors import UsageError
from orchestrator.lab.api.fault_rules import rule_of

if TYPE_CHECKING:
    from orchestrator.lab.api.faults import Faults


class FaultDoor:
    """GET lists the rules; POST sets the rule that is its body; DELETE clears those of `{"ids": [...]}`, or all."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def __call__(self, method: str, body: bytes) -> tuple[int, Any]:
        """The status and the answer."""
        try:
            return 200, self._answer(method, body)
        except UsageError as error:
            return 400, {"error": error.message, "hint": error.hint}

    def _answer(self, method: str, body: bytes) -> Any:
        told = _told(body)
        match method:
            case "GET":
                return [tally.as_json() for tally in self._faults.rules()]
            case "POST":
                return self._faults.set(rule_of(told)).as_json()
            case "DELETE":
                return [tally.as_json() for tally in self._faults.clear(told.get("ids", ()))]
            case _:
                raise UsageError(f"faults know no {method}")


def _told(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise UsageError("the body is no JSON object")
    return told
