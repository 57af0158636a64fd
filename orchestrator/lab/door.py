"""The lab's own paths, beside the AWS API: how a lab that is up is asked, and made to misbehave.

Used by the command line and by tests alike. What the server says to it is in `fault_door`.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from orchestrator.errors import LackError, UsageError
from orchestrator.lab.api.operations import check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.lab.api.fault_rules import Rule
    from orchestrator.lab.settings import Settings

HEALTH = "/ami-lab/health"
FAULTS = "/ami-lab/faults"
SYSTEMS = "/ami-lab/systems"
CHANGES = "/ami-lab/changes"
RIGHTS = "/ami-lab/rights"

#: Seconds within which a lab answers for itself.
PATIENCE = 5.0

#: Asks without a proxy, whatever the environment says: a proxy's loopback interface is another one.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def health(lab: Settings) -> dict[str, Any] | None:
    """What a lab says of itself; None when nothing answers at its port, or another program does."""
    try:
        told = _ask(lab, "GET", HEALTH)
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) and told.get("lab") == lab.name else None


def calls(lab: Settings) -> dict[str, int]:
    """How many API calls the lab has answered since its start, by `service:Action`. Raises LackError."""
    told = health(lab)
    if told is None:
        raise not_up(lab.name)
    counts: dict[str, int] = told["calls"]
    return counts


def changes(lab: Settings) -> list[dict[str, Any]]:
    """The last 10,000 calls of EC2 that were to change something, in their order. Raises LackError.

    Each has its `operation`, the tag keys of what it named by its id (`named`), and those that it brought for each type
    of resource (`brought`; of CreateTags the type is empty).
    """
    told: list[dict[str, Any]] = _opened(lab, "GET", CHANGES)
    return told


def rights(lab: Settings) -> list[dict[str, Any]]:
    """The rights that sessions of roles have used, where the lab enforces rights; each once. Raises LackError.

    Each has the ARN of its `role`, its `action`, the `resource_type`, and the `statements` of the role's policies that
    allow it, by their `Sid`.
    """
    told: list[dict[str, Any]] = _opened(lab, "GET", RIGHTS)
    return told


def systems(lab: Settings) -> list[str]:
    """The names of the systems that the lab has AMIs of. Raises LackError."""
    told: list[str] = _opened(lab, "GET", SYSTEMS)
    return told


def publish(lab: Settings, name: str, disk: str, made: str, serial: int) -> None:
    """Have AMIs of a system whose disk was imported (`SystemDoor.publish`). Raises UsageError, LackError."""
    _opened(lab, "POST", SYSTEMS, {"name": name, "disk": disk, "made": made, "serial": serial})


def set_fault(lab: Settings, rule: Rule) -> dict[str, Any]:
    """Put a rule in force; returns it as `faults` lists it. Raises UsageError, LackError."""
    check(rule)
    told: dict[str, Any] = _faults(lab, "POST", rule.as_json())
    return told


def faults(lab: Settings) -> list[dict[str, Any]]:
    """The rules in force with their hits (`Tally.as_json`), spent ones included. Raises LackError."""
    told: list[dict[str, Any]] = _faults(lab, "GET")
    return told


def clear_faults(lab: Settings, numbers: Sequence[int] = ()) -> list[dict[str, Any]]:
    """End rules, all of them when none is named; returns them. Raises UsageError, LackError."""
    told: list[dict[str, Any]] = _faults(lab, "DELETE", {"ids": list(numbers)})
    return told


def not_up(name: str) -> LackError:
    """The error that tells so."""
    return LackError(f"the lab '{name}' is not up", hint=f"ami lab up --name {name}")


def _faults(lab: Settings, method: str, body: Any = None) -> Any:
    return _opened(lab, method, FAULTS, body)


def _opened(lab: Settings, method: str, path: str, body: Any = None) -> Any:
    try:
        return _ask(lab, method, path, body)
    except urllib.error.HTTPError as refused:
        with refused:
            told = json.load(refused)
        raise UsageError(told["error"], hint=told["hint"]) from None
    except OSError:
        raise not_up(lab.name) from None


def _ask(lab: Settings, method: str, path: str, body: Any = None) -> Any:
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(lab.endpoint + path, content, method=method)  # noqa: S310  http on loopback
    with _DIRECTLY.open(request, timeout=PATIENCE) as reply:
        return json.load(reply)
