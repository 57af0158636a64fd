"""The faults of a lab that is up: the rules in force, and what they do to each call."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from orchestrator.errors import UsageError
from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.call import Protocol
from orchestrator.lab.api.fault_rules import ANY_CALL, SOMEWHERE, CallPlace, FaultEffect, FaultKind, HitCount, decide
from orchestrator.lab.api.recent_ids import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from orchestrator.lab.api.call import Call
    from orchestrator.lab.api.fault_rules import Rule
    from orchestrator.lab.api.recent_ids import RecentId, RecentIds


def throttled(protocol: Protocol) -> AwsFault:
    """What a service says to too many calls."""
    match protocol:
        case Protocol.EC2:
            return AwsFault("RequestLimitExceeded", "Request limit exceeded.", 503)
        case Protocol.S3:
            return AwsFault("SlowDown", "Please reduce your request rate.", 503)
        case Protocol.QUERY:
            return AwsFault("Throttling", "Rate exceeded")
        case Protocol.JSON:
            return AwsFault("ThrottlingException", "Rate exceeded")


def denied(call: Call) -> AwsFault:
    """What a service says to those who may not."""
    what = f"User: arn:aws:iam::{call.account}:user/lab is not authorized to perform: {call.operation}"
    match call.protocol:
        case Protocol.EC2:
            return AwsFault("UnauthorizedOperation", "You are not authorized to perform this operation.", 403)
        case Protocol.JSON:
            return AwsFault("AccessDeniedException", what)
        case _:
            return AwsFault("AccessDenied", what, 403)


def expired(protocol: Protocol) -> AwsFault:
    """What a service says to credentials that were good once."""
    what = "The security token included in the request is expired"
    match protocol:
        case Protocol.EC2:
            return AwsFault("RequestExpired", "Request has expired.")
        case Protocol.JSON:
            return AwsFault("ExpiredTokenException", what)
        case Protocol.S3:
            return AwsFault("ExpiredToken", "The provided token has expired.")
        case Protocol.QUERY:
            return AwsFault("ExpiredToken", what, 403)


def broken(protocol: Protocol) -> AwsFault:
    """What a service says when it broke."""
    match protocol:
        case Protocol.EC2:
            return AwsFault("InternalError", "An internal error has occurred", 500)
        case Protocol.S3:
            return AwsFault("InternalError", "We encountered an internal error. Please try again.", 500)
        case Protocol.QUERY:
            return AwsFault("InternalFailure", "The request processing has failed because of an unknown error.", 500)
        case Protocol.JSON:
            return AwsFault("InternalServerError", "Internal server error", 500)


def place_of(call: Call, body: bytes, path: str) -> CallPlace:
    """Where a call is made, by whom, and about what."""
    text = unquote_plus(f"{path} {body.decode(errors='replace')}")
    # Keys of a role or a session begin so (IAM User Guide, "IAM identifiers", "Understanding unique ID prefixes").
    return CallPlace(call.account, call.region, text, temporary=call.key.startswith("ASIA"))


@dataclass
class Trouble:
    """What the rules do to one call."""

    latency: float = 0.0
    """Seconds to wait before anything else."""
    cut: bool = False
    """Whether the connection breaks without an answer."""
    refusal: AwsFault | None = None
    """The answer that keeps the call from having any effect."""
    lost: AwsFault | None = None
    """The answer that takes the place of the real one."""
    young: tuple[RecentId, ...] = ()
    """What a list does not show yet."""
    rules: tuple[HitCount, ...] = ()
    record_hit: Callable[[int], bool] = field(default=lambda _: False)
    """Counts a hit of a rule; false when the rule is spent."""
    _omitted: bool = False

    def shortage(self, instance_type: str, subnet: str) -> bool:
        """Whether no instance of this type can be launched in this subnet (empty: wherever EC2 likes)."""
        return any(
            tally.rule.instance_type in ("", instance_type)
            and tally.rule.subnet in ("", subnet)
            and self.record_hit(tally.number)
            for tally in self._of(FaultKind.CAPACITY)
        )

    def slower(self) -> float:
        """How many seconds longer an image shall be pending."""
        return sum(tally.rule.value for tally in self._of(FaultKind.SLOW_IMAGE) if self.record_hit(tally.number))

    def copy_hangs(self) -> bool:
        """Whether the copy that begins now never ends."""
        return self._hits(FaultKind.COPY_HANGS)

    def copy_fails(self) -> bool:
        """Whether the copy that begins now fails in the end."""
        return self._hits(FaultKind.COPY_FAILS)

    def pointer_late(self) -> float:
        """How many seconds later the value of a parameter for an AMI is written."""
        return sum(tally.rule.value for tally in self._of(FaultKind.POINTER_LATE) if self.record_hit(tally.number))

    def unhealthy(self) -> bool:
        """Whether a machine of a group that is looked at now is not healthy (`Faults.within(HEALTH_CHECK)`)."""
        return self._hits(FaultKind.UNHEALTHY)

    def death(self) -> float | None:
        """After how many seconds the machine of an instance that is launched now dies."""
        return min(
            (tally.rule.value for tally in self._of(FaultKind.DIE) if self.record_hit(tally.number)), default=None
        )

    def expiry(self) -> float | None:
        """After how many seconds the credentials that are given now expire."""
        return min(
            (tally.rule.value for tally in self._of(FaultKind.SHORT_LIVED) if self.record_hit(tally.number)),
            default=None,
        )

    def agent_late(self, since: float) -> float:
        """How many seconds an agent still waits that made its first call `since` seconds ago."""
        left = (each.rule.value - since for each in self._of(FaultKind.AGENT_LATE) if self._lasts(each, since))
        return max(left, default=0.0)

    def agent_refused(self, since: float) -> bool:
        """Whether an agent is refused that made its first call `since` seconds ago."""
        return any(self._lasts(tally, since) for tally in self._of(FaultKind.AGENT_REFUSED))

    def agent_lacks_metadata(self) -> bool:
        """Whether an agent that starts finds no metadata service."""
        return any(self.record_hit(tally.number) for tally in self._of(FaultKind.AGENT_NO_METADATA))

    def omit(self) -> None:
        """A list has left out something young."""
        if not self._omitted:
            self._omitted = True
            for tally in self._of(FaultKind.CONSISTENCY):
                self.record_hit(tally.number)

    def _lasts(self, tally: HitCount, since: float) -> bool:
        return since < tally.rule.value and self.record_hit(tally.number)

    def _hits(self, kind: FaultKind) -> bool:
        return any(self.record_hit(tally.number) for tally in self._of(kind))

    def _of(self, kind: FaultKind) -> list[HitCount]:
        return [tally for tally in self.rules if tally.rule.kind is kind]


class Faults:
    """The rules in force. Safe to share between threads."""

    def __init__(self, recent_ids: RecentIds) -> None:
        self._recent_ids = recent_ids
        self._tallies: dict[int, HitCount] = {}
        self._last = 0
        self._lock = threading.Lock()

    def set(self, rule: Rule) -> HitCount:
        """Put a rule in force."""
        with self._lock:
            self._last += 1
            self._tallies[self._last] = HitCount(self._last, rule)
            return self._tallies[self._last]

    def rules(self) -> list[HitCount]:
        """Every rule, spent ones included."""
        with self._lock:
            return list(self._tallies.values())

    def clear(self, numbers: Collection[int] = ()) -> list[HitCount]:
        """Take rules out of force, all of them when none is named; returns them. Raises UsageError, clearing none."""
        with self._lock:
            for number in numbers:
                if number not in self._tallies:
                    known = ", ".join(map(str, self._tallies)) or "none"
                    raise UsageError(f"there is no rule {number}", hint=f"the rules in force: {known}")
            return [self._tallies.pop(number) for number in list(numbers or self._tallies)]

    def meet(self, call: Call, body: bytes, path: str = "") -> Trouble:
        """What the rules do to a call, made at this path. Counts."""
        if not self._tallies:
            return Trouble()
        with self._lock:
            decision = decide(self._tallies.values(), call.operation, place_of(call, body, path))
            self._tallies |= {tally.number: tally for tally in decision.after}
        trouble = Trouble(latency=decision.latency, rules=decision.within, record_hit=self._strike)
        match decision.outcome:
            case FaultEffect.CUT:
                trouble.cut = True
                return trouble
            case FaultEffect.EXPIRED:
                trouble.refusal = expired(call.protocol)
            case FaultEffect.DENIED:
                trouble.refusal = denied(call)
            case FaultEffect.THROTTLED:
                trouble.refusal = throttled(call.protocol)
            case FaultEffect.FAILED:
                trouble.refusal = broken(call.protocol)
            case FaultEffect.LOST:
                trouble.lost = broken(call.protocol)
        if trouble.refusal is None:
            self._hide(trouble, call, body)
        return trouble

    def within(self, operation: str, place: CallPlace = SOMEWHERE) -> Trouble:
        """What the rules do within something that is no call of a client, and that no other rule can hit.

        Its `place` has the names that `--resource` may name, as the group of a machine.
        """
        with self._lock:
            concerned = [
                tally
                for tally in self._tallies.values()
                if tally.rule.kind not in ANY_CALL and not tally.spent and tally.rule.concerns(operation, place)
            ]
        return Trouble(rules=tuple(concerned), record_hit=self._strike)

    def _hide(self, trouble: Trouble, call: Call, body: bytes) -> None:
        seconds = max(
            (each.rule.value for each in trouble.rules if each.rule.kind is FaultKind.CONSISTENCY), default=0.0
        )
        young = self._recent_ids.younger(seconds, call.region) if seconds else ()
        if not young or (call.service != "ec2" and call.action != "GetCommandInvocation"):
            return
        trouble.refusal = unknown(young, call.action, body)
        if trouble.refusal is not None:
            trouble.omit()
        elif call.action.startswith("Describe"):
            # Only reads: what a launch looks up of its own accord (free addresses) must be the truth.
            trouble.young = young

    def _strike(self, number: int) -> bool:
        with self._lock:
            tally = self._tallies.get(number)
            if tally is None or tally.spent:
                return False
            self._tallies[number] = replace(tally, met=tally.met + 1, hits=tally.hits + 1)
            return True
