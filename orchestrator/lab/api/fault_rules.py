"""Rules by which the lab misbehaves, and the decision which of them hits which call: values and pure functions."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Self

from orchestrator.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

EVERYTHING = ("*",)


#: What Auto Scaling does by itself, and what is no call of a client: whether a machine of a group is healthy.
HEALTH_CHECK = "autoscaling:HealthCheck"
#: The first call of an agent that starts, and its look at the metadata service before.
AGENT_CALL, AGENT_METADATA = "ssm:UpdateInstanceInformation", "agent:GetInstanceIdentity"


class FaultKind(StrEnum):
    """What goes wrong. In the order of their declaration they are asked about a call.

    Each has its name, what its number is (nothing when it has none), the operations that it can concern and concerns
    unless told otherwise, and a sentence for people.
    """

    CUT_OFF = (
        "cut-off", "SECONDS", EVERYTHING,
        "connections break without an answer, after so long: a region that is cut off, or that lacks a service",
    )  # fmt: skip
    LATENCY = "latency", "SECONDS", EVERYTHING, "each call takes longer"
    DENY = (
        "deny", "", EVERYTHING,
        "no permission: UnauthorizedOperation, AccessDenied, AccessDeniedException; without effect",
    )  # fmt: skip
    EXPIRED = (
        "expired", "", EVERYTHING,
        "temporary credentials have expired: ExpiredToken, ExpiredTokenException, RequestExpired; without effect",
    )  # fmt: skip
    THROTTLE = (
        "throttle", "RATE", EVERYTHING,
        "too many calls: RequestLimitExceeded, ThrottlingException, SlowDown; without effect",
    )  # fmt: skip
    ERROR = "error", "RATE", EVERYTHING, "a 5xx: half of the calls had no effect, of the others the answer is lost"
    CONSISTENCY = (
        "consistency", "SECONDS", ("ec2:*", "ssm:GetCommandInvocation"),
        "a new id is unknown for so long: lists omit it, calls by id answer ...NotFound",
    )  # fmt: skip
    CAPACITY = "capacity", "", ("ec2:RunInstances",), "RunInstances answers InsufficientInstanceCapacity"
    SLOW_IMAGE = (
        "slow-image", "SECONDS", ("ec2:CreateImage", "ec2:CopyImage", "ec2:RegisterImage"),
        "CreateImage, CopyImage and RegisterImage stay pending longer",
    )  # fmt: skip
    COPY_HANGS = "copy-hangs", "", ("ec2:CopyImage",), "the AMI of a CopyImage stays pending"
    COPY_FAILS = "copy-fails", "", ("ec2:CopyImage",), "the AMI of a CopyImage fails in the end, with a reason"
    POINTER_LATE = (
        "pointer-late", "SECONDS", ("ssm:PutParameter",),
        "the value of a parameter of type aws:ec2:image is written so much later",
    )  # fmt: skip
    UNHEALTHY = "unhealthy", "", (HEALTH_CHECK,), "machines of Auto Scaling groups never become healthy"
    DIE = (
        "die", "SECONDS", ("ec2:RunInstances", "autoscaling:*"),
        "an instance's machine dies so long after its launch",
    )  # fmt: skip
    SHORT_LIVED = (
        "short-lived", "SECONDS", ("sts:AssumeRole",),
        "credentials of AssumeRole expire so long after they were given, whatever was said",
    )  # fmt: skip
    AGENT_LATE = "agent-late", "SECONDS", (AGENT_CALL,), "a new machine's SSM agent comes online so much later"
    AGENT_REFUSED = (
        "agent-refused", "SECONDS", (AGENT_CALL,),
        "a new machine's SSM agent is refused for so long; it tries again 5 min after a refused call",
    )  # fmt: skip
    AGENT_NO_METADATA = (
        "agent-no-metadata", "", (AGENT_METADATA,),
        "an SSM agent that starts finds no metadata service and ends; systemd starts it again after 90 s",
    )  # fmt: skip

    value_name: str
    reach: tuple[str, ...]
    sentence: str

    def __new__(cls, name: str, value_name: str = "", reach: tuple[str, ...] = EVERYTHING, sentence: str = "") -> Self:
        """A member that is its name."""
        kind = str.__new__(cls, name)
        kind._value_ = name
        kind.value_name, kind.reach, kind.sentence = value_name, reach, sentence
        return kind


#: These can hit any call, before it has an effect; the others hit within the call that they concern.
ANY_CALL = (
    FaultKind.CUT_OFF, FaultKind.LATENCY, FaultKind.DENY, FaultKind.EXPIRED, FaultKind.THROTTLE, FaultKind.ERROR,
)  # fmt: skip


@dataclass(frozen=True)
class CallPlace:
    """Where a call is made, by whom, and about what."""

    account: str = ""
    region: str = ""
    text: str = ""
    """What the call says, with the ids and names of resources in it."""
    temporary: bool = False
    """Whether its credentials are of a role."""


#: A call of which nothing is known but its operation.
SOMEWHERE = CallPlace()


@dataclass(frozen=True)
class Rule:
    """One way to misbehave. Refuses (UsageError) what makes no sense."""

    kind: FaultKind
    value: float = 0.0
    """A share from 0 to 1, or seconds: see `Kind.value_name`."""
    operations: tuple[str, ...] = ()
    """Patterns of `service:Action`; the kind's own reach when none is given."""
    seed: int = 0
    times: int | None = None
    """After how many hits it ends; None: never."""
    instance_type: str = ""
    subnet: str = ""
    account: str = ""
    """Of this account's calls alone."""
    region: str = ""
    """A pattern of regions; of calls there alone."""
    resource: str = ""
    """Of calls that name this id, name or path alone."""

    def __post_init__(self) -> None:
        if not self.operations:
            object.__setattr__(self, "operations", self.kind.reach)
        if self.kind.value_name == "RATE" and not 0 <= self.value <= 1:
            raise UsageError(f"{self.value:g} is no RATE", hint=f"'{self.kind} 0.3' concerns 30 % of the calls")
        if not 0 <= self.value < float("inf"):
            raise UsageError(f"{self.value:g} is no number of seconds")
        if self.times is not None and self.times < 1:
            raise UsageError(f"a rule cannot end after {self.times} hits")
        if (self.instance_type or self.subnet) and self.kind is not FaultKind.CAPACITY:
            raise UsageError(f"'{self.kind}' knows no instance type and no subnet", hint="only 'capacity' does")

    def matches(self, operation: str) -> bool:
        """Whether a call of `service:Action` is its business."""
        return any(fnmatchcase(operation, pattern) for pattern in self.operations)

    def concerns(self, operation: str, place: CallPlace) -> bool:
        """Whether a call of `service:Action` is its business, made there."""
        return (
            self.matches(operation)
            and self.account in ("", place.account)
            and fnmatchcase(place.region, self.region or "*")
            and (not self.resource or names(place.text, self.resource))
            and (place.temporary or self.kind is not FaultKind.EXPIRED)
        )

    def as_json(self) -> dict[str, Any]:
        """As it is sent and shown."""
        return asdict(self) | {"operations": list(self.operations)}


def names(text: str, resource: str) -> bool:
    """Whether an id, a name or a path stands in a text as a whole: `ami-1` does not stand in `ami-12`."""
    return re.search(rf"(?<![\w/-]){re.escape(resource)}(?![\w-])", text) is not None


def kind_named(name: str) -> FaultKind:
    """The kind of that name. Raises UsageError with the nearest one."""
    try:
        return FaultKind(name)
    except ValueError:
        what = f"there is no fault '{name}'{did_you_mean(name, FaultKind)}"
        raise UsageError(what, hint=f"there are {', '.join(FaultKind)}") from None


def rule_of(told: dict[str, Any]) -> Rule:
    """The rule of what `Rule.as_json` told. Raises UsageError."""
    known = {field.name for field in fields(Rule)}
    for name in told.keys() - known:
        raise UsageError(f"a rule has no '{name}'{did_you_mean(name, known)}")
    kind = kind_named(str(told.get("kind", "")))
    try:
        return Rule(**told | {"kind": kind, "operations": tuple(told.get("operations", ()))})
    except TypeError as error:
        raise UsageError(f"this is no rule: {error}") from None


@dataclass(frozen=True)
class HitCount:
    """A rule and what became of it so far."""

    number: int
    rule: Rule
    met: int = 0
    """How many calls it was asked about."""
    hits: int = 0

    @property
    def spent(self) -> bool:
        """Whether it has hit as often as it may."""
        return self.rule.times is not None and self.hits >= self.rule.times

    def counted(self, *, hit: bool) -> HitCount:
        """After one more call."""
        return replace(self, met=self.met + 1, hits=self.hits + hit)

    def as_json(self) -> dict[str, Any]:
        """As `ami lab faults list --json` shows it."""
        return {
            "id": self.number,
            **self.rule.as_json(),
            "calls": self.met,
            "hits": self.hits,
            "spent": self.spent,
        }


class FaultEffect(StrEnum):
    """What becomes of a call."""

    ANSWERED = "answered"
    CUT = "cut"
    """No answer: the connection breaks."""
    DENIED = "denied"
    EXPIRED = "expired"
    """Its credentials are too old."""
    THROTTLED = "throttled"
    FAILED = "failed"
    """A 5xx before any effect."""
    LOST = "lost"
    """A 5xx in the place of the answer: the call had its effect."""


@dataclass(frozen=True)
class Decision:
    """What the rules do to one call, and the rules after it."""

    outcome: FaultEffect
    latency: float
    """Seconds to wait first."""
    within: tuple[HitCount, ...]
    """The rules that may yet hit while the call has its effect."""
    after: tuple[HitCount, ...]


def decide(tallies: Iterable[HitCount], operation: str, place: CallPlace = SOMEWHERE) -> Decision:
    """What becomes of a call of `service:Action`. A call that one rule refuses never reaches the next one."""
    after = {tally.number: tally for tally in tallies}
    latency, outcome, within = 0.0, FaultEffect.ANSWERED, []
    order = list(FaultKind)
    for tally in sorted(after.values(), key=lambda each: (order.index(each.rule.kind), each.number)):
        if tally.spent or not tally.rule.concerns(operation, place):
            continue
        if tally.rule.kind is FaultKind.LATENCY:
            latency += tally.rule.value
            after[tally.number] = tally.counted(hit=True)
        elif tally.rule.kind in ANY_CALL:
            if outcome is not FaultEffect.ANSWERED:
                continue
            latency += tally.rule.value if tally.rule.kind is FaultKind.CUT_OFF else 0
            outcome = drawn(tally.rule, tally.met)
            after[tally.number] = tally.counted(hit=outcome is not FaultEffect.ANSWERED)
        elif outcome in (FaultEffect.ANSWERED, FaultEffect.LOST):
            within.append(tally)
    return Decision(outcome, latency, tuple(within), tuple(after.values()))


def drawn(rule: Rule, nth: int) -> FaultEffect:
    """What a rule does with the nth call (from 0) that it is asked about: the same each time."""
    always = {
        FaultKind.CUT_OFF: FaultEffect.CUT,
        FaultKind.DENY: FaultEffect.DENIED,
        FaultKind.EXPIRED: FaultEffect.EXPIRED,
    }
    if rule.kind in always:
        return always[rule.kind]
    chance, side = _numbers(rule, nth)
    if chance >= rule.value:
        return FaultEffect.ANSWERED
    if rule.kind is FaultKind.THROTTLE:
        return FaultEffect.THROTTLED
    return FaultEffect.FAILED if side < 0.5 else FaultEffect.LOST  # noqa: PLR2004  half of them


def _numbers(rule: Rule, nth: int) -> tuple[float, float]:
    """Two numbers from 0 up to 1 that depend on the seed, the kind and the call's place in the sequence alone."""
    drawn = hashlib.blake2b(f"{rule.seed}/{rule.kind}/{nth}".encode(), digest_size=16).digest()
    return int.from_bytes(drawn[:8]) / 2**64, int.from_bytes(drawn[8:]) / 2**64
