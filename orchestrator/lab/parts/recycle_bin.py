"""Recycle Bin: the retention rules that keep deregistered AMIs and deleted snapshots (Recycle Bin API Reference)."""

from __future__ import annotations

import secrets
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.recycle_bin import IMAGE, SNAPSHOT, RetentionRule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.lab.api.call import Call
    from orchestrator.lab.assembly import Assembly
    from orchestrator.lab.ec2.images.recycle_bin import RecycleBin
    from orchestrator.lab.tables import Tables

#: Days for which a rule can keep something, and for which one that was locked stays so after it is unlocked.
_DAYS, _UNLOCK_DAYS = range(1, 366), range(7, 31)
_LETTERS = string.ascii_letters + string.digits
#: How often what has been in a bin long enough is removed.
_SECONDS = 60.0


class RecycleBinApi:
    """Answers for the service `rbin`."""

    ACTIONS = frozenset({"CreateRule", "DeleteRule", "GetRule", "ListRules", "LockRule", "UnlockRule", "UpdateRule"})

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def handle(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call. Raises AwsFault."""
        with self._tables.lock:
            bin_ = self._tables.backend(call.region, call.account).bin
            if call.action == "CreateRule":
                return _shown(_keep(bin_, _created(body)), call)
            if call.action == "ListRules":
                return {"Rules": [_shown(each, call) for each in bin_.rules.values() if _listed(each, body)]}
            rule = bin_.rules.get(str(body["Identifier"]))
            if rule is None:
                raise AwsFault("ResourceNotFoundException", f"Rule {body['Identifier']} was not found.", 404)
            if call.action in ("DeleteRule", "UpdateRule", "LockRule"):
                _check_lock(rule)
            if call.action == "DeleteRule":
                del bin_.rules[rule.identifier]
                return {}
            changes = {"UpdateRule": _updated, "LockRule": _locked, "UnlockRule": _unlocked}
            change = changes.get(call.action)
            return _shown(_keep(bin_, change(rule, body)) if change else rule, call)


def _keep(bin_: RecycleBin, rule: RetentionRule) -> RetentionRule:
    bin_.rules[rule.identifier] = rule
    return rule


def _created(body: Mapping[str, Any]) -> RetentionRule:
    kind = str(body["ResourceType"])
    if kind not in (IMAGE, SNAPSHOT):
        raise AwsFault("ValidationException", f"The lab keeps no {kind} in the Recycle Bin.")
    rule = RetentionRule(
        "".join(secrets.choice(_LETTERS) for _ in range(11)),
        kind,
        _days(body["RetentionPeriod"]),
        str(body.get("Description") or ""),
        _tags(body.get("ResourceTags", [])),
        _tags(body.get("ExcludeResourceTags", [])),
    )
    return _locked(rule, body) if body.get("LockConfiguration") else _checked(rule)


def _checked(rule: RetentionRule) -> RetentionRule:
    if rule.tags and rule.excluded:
        raise AwsFault("ValidationException", "A rule has either resource tags or exclusion tags.")
    return rule


def _updated(rule: RetentionRule, body: Mapping[str, Any]) -> RetentionRule:
    period = body.get("RetentionPeriod")
    return _checked(
        replace(
            rule,
            days=_days(period) if period else rule.days,
            description=str(body.get("Description", rule.description)),
            tags=_tags(body["ResourceTags"]) if "ResourceTags" in body else rule.tags,
            excluded=_tags(body["ExcludeResourceTags"]) if "ExcludeResourceTags" in body else rule.excluded,
        )
    )


def _locked(rule: RetentionRule, body: Mapping[str, Any]) -> RetentionRule:
    """A rule of a whole Region alone can be locked, without exclusion tags."""
    if rule.tags or rule.excluded:
        raise AwsFault("ValidationException", "Only Region-level rules without exclusion tags can be locked.")
    days = int(body["LockConfiguration"]["UnlockDelay"]["UnlockDelayValue"])
    if days not in _UNLOCK_DAYS:
        raise AwsFault("ValidationException", f"The unlock delay must be {_UNLOCK_DAYS[0]} to {_UNLOCK_DAYS[-1]} days.")
    return replace(rule, unlock_delay=days, unlocks=None)


def _unlocked(rule: RetentionRule, _body: Mapping[str, Any]) -> RetentionRule:
    if rule.lock_state(utcnow()) != "locked":
        raise AwsFault("ConflictException", "The rule is not locked.", 409)
    return replace(rule, unlocks=utcnow() + timedelta(days=rule.unlock_delay or 0))


def _check_lock(rule: RetentionRule) -> None:
    if rule.lock_state(utcnow()) in ("locked", "pending_unlock"):
        raise AwsFault("ConflictException", f"Rule {rule.identifier} is locked.", 409)


def _days(period: Mapping[str, Any]) -> int:
    days = int(period["RetentionPeriodValue"])
    if days not in _DAYS or period["RetentionPeriodUnit"] != "DAYS":
        raise AwsFault("ValidationException", f"The retention period must be {_DAYS[0]} to {_DAYS[-1]} days.")
    return days


def _tags(given: Sequence[Mapping[str, str]]) -> tuple[tuple[str, str | None], ...]:
    return tuple((each["ResourceTagKey"], each.get("ResourceTagValue")) for each in given)


def _listed(rule: RetentionRule, body: Mapping[str, Any]) -> bool:
    state = body.get("LockState") or rule.lock_state(utcnow())
    wanted = _tags(body.get("ResourceTags", []))
    kind = rule.resource_type == body["ResourceType"]
    return kind and state == rule.lock_state(utcnow()) and (not wanted or bool(set(wanted) & set(rule.tags)))


def _shown(rule: RetentionRule, call: Call) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "Identifier": rule.identifier,
        "Description": rule.description,
        "ResourceType": rule.resource_type,
        "RetentionPeriod": {"RetentionPeriodValue": rule.days, "RetentionPeriodUnit": "DAYS"},
        "Status": "available",
        "RuleArn": f"arn:aws:rbin:{call.region}:{call.account}:rule/{rule.identifier}",
        "LockState": rule.lock_state(utcnow()),
        "ResourceTags": _written(rule.tags),
        "ExcludeResourceTags": _written(rule.excluded),
    }
    if rule.unlock_delay is not None:
        delay = {"UnlockDelayValue": rule.unlock_delay, "UnlockDelayUnit": "DAYS"}
        answer["LockConfiguration"] = {"UnlockDelay": delay}
    if rule.unlocks is not None:
        answer["LockEndTime"] = _seconds(rule.unlocks)
    return {name: value for name, value in answer.items() if value not in ("", [])}


def _written(tags: Sequence[tuple[str, str | None]]) -> list[dict[str, str]]:
    return [{"ResourceTagKey": key} | ({} if value is None else {"ResourceTagValue": value}) for key, value in tags]


def _seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()


def install(lab: Assembly) -> None:
    """Answer for the service `rbin`, and empty the bins."""
    tables = lab.tables
    lab.handlers["rbin"] = RecycleBinApi(tables)

    def empty() -> None:
        with tables.lock:
            emptied = [backend.bin.empty(utcnow()) for backend in tables.backends()]
        if any(emptied):
            tables.wake()

    lab.every(_SECONDS, empty)
