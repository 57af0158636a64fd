"""The filters of ListCommands and ListCommandInvocations, over the entries that are to be listed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ssm.record import TERMINAL, status

if TYPE_CHECKING:
    from collections.abc import Callable

Entry = dict[str, Any]


def command_key(entry: Entry) -> str:
    """What names a listed command."""
    return str(entry["CommandId"])


def invocation_key(entry: Entry) -> str:
    """What names a listed invocation."""
    return f"{entry['CommandId']} {entry['InstanceId']}"


def filters(body: dict[str, Any], *, stages: bool) -> Callable[[Entry], bool]:
    """The request's filters as one predicate. `stages`: whether ExecutionStage may be asked for.

    Raises AwsFault for a key that the action does not know, and for a moment that is not in ISO 8601.
    """
    predicates = [_predicate(entry, stages=stages) for entry in body.get("Filters") or []]
    return lambda entry: all(holds(entry) for holds in predicates)


def _predicate(asked: Entry, *, stages: bool) -> Callable[[Entry], bool]:
    key, value = asked.get("key"), str(asked.get("value", ""))
    if key == "Status":
        return lambda entry: value in (entry["Status"], entry["StatusDetails"])
    if key == "DocumentName":
        return lambda entry: bool(entry["DocumentName"] == value)
    if key == "InvokedAfter":
        after = _moment(value)
        return lambda entry: bool(entry["RequestedDateTime"] >= after)
    if key == "InvokedBefore":
        before = _moment(value)
        return lambda entry: bool(entry["RequestedDateTime"] < before)
    if key == "ExecutionStage" and stages and value in ("Executing", "Complete"):
        return lambda entry: _is_complete(entry) == (value == "Complete")
    raise AwsFault("InvalidFilterKey", f"The specified key isn't valid: {key}={value}")


def _is_complete(entry: Entry) -> bool:
    return entry["Status"] in {status(details) for details in TERMINAL}


def _moment(value: str) -> float:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise AwsFault("ValidationException", f"'{value}' is not a date and time in ISO 8601.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
