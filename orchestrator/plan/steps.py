"""What a run will do, decided before anything is touched: what is built and why, what is only tested, what stays."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from orchestrator.plan.explaining.short_digests import in_tags
from orchestrator.registry import State, Version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from orchestrator.contract.plan import StepJson
    from orchestrator.plan.segment import Segment
    from orchestrator.plan.standing import StandingImage

Key = TypeVar("Key")

#: States of an AMI that others may be built on.
_STANDING = (State.VALIDATED, State.BUILT)
#: How many changed inputs a reason names.
_NAMED = 3


class Action(StrEnum):
    """What is done with a segment."""

    BUILD = "build"
    VALIDATE = "validate"
    REUSE = "reuse"
    REJECTED = "rejected"
    """Nothing is: its AMI, or one that it stands on, is rejected, and the same tests would fail again."""

    @property
    def works(self) -> bool:
        """Whether something is built or tested."""
        return self in (Action.BUILD, Action.VALIDATE)


@dataclass(frozen=True)
class PlanStep:
    """One segment of a run. `found` is the AMI that is tested or reused, or that a build replaces.

    `build_seconds` and `validate_seconds` are what it took the last time; None when that is not known. `awaits` names
    the nearest image below that is yet to be proven: this one is not proven without it.
    """

    segment: Segment
    action: Action
    reason: str
    found: Version | None = None
    build_seconds: float | None = None
    validate_seconds: float | None = None
    awaits: str = ""

    @property
    def name(self) -> str:
        """The name of the step, which is that of its segment."""
        return self.segment.name

    @property
    def seconds(self) -> float | None:
        """What it will take, as far as earlier runs tell."""
        parts = [self.build_seconds] if self.action is Action.BUILD else []
        parts += [self.validate_seconds] if self.action.works and not self.segment.shared else []
        return None if None in parts else sum(part for part in parts if part is not None)

    def as_json(self) -> StepJson:
        """A JSON object of what is done with the segment, and why."""
        segment = self.segment
        return {
            "image": None if segment.shared else segment.name,
            "segment": segment.name,
            "shared": segment.shared,
            "action": self.action.value,
            "built_on": segment.parent or segment.source.name,
            "layers": [layer.name for layer in segment.layers],
            "ami_id": self.found.ami_id if self.found and self.action is not Action.BUILD else None,
            "fingerprint": segment.fingerprint,
            "reason": self.reason,
            "seconds": self.seconds,
        }


@dataclass
class Known:
    """The versions of an account, found by what a plan asks for. Proven ones are preferred, then newer ones."""

    of_image: dict[tuple[str, str], Version] = field(default_factory=dict)
    standing: dict[str, Version] = field(default_factory=dict)
    newest: dict[str, Version] = field(default_factory=dict)
    seconds: dict[tuple[str, str], float] = field(default_factory=dict)
    ami_ids: set[str] = field(default_factory=set)


def known(versions: Iterable[Version]) -> Known:
    """The versions (newest first) by image and fingerprint, and by fingerprint alone those that can be built on.

    A disabled one counts for what is known of an image only when there is no other.
    """
    found = Known()
    for one in sorted(versions, key=lambda one: one.state is State.DISABLED):
        found.ami_ids.add(one.ami_id)
        name = one.image if one.is_image else _stem(one.image)
        for what in ("build", "validate"):
            if (took := one.took(what)) is not None:
                found.seconds.setdefault((name, what), took)
        if one.is_image:
            _prefer(found.of_image, (one.image, one.fingerprint), one)
            found.newest.setdefault(one.image, one)
        if one.state in _STANDING:
            _prefer(found.standing, one.fingerprint, one)
    return found


def _prefer(found: dict[Key, Version], key: Key, one: Version) -> None:
    """Keep the first of a key that is proven, else the first."""
    if key not in found or (found[key].state is not State.VALIDATED and one.state is State.VALIDATED):
        found[key] = one


def _stem(name: str) -> str:
    """`stack-base` of `stack-base-1a2b3c4d`: what stays when a fingerprint changes."""
    return name.rpartition("-")[0]


def steps(
    segments: Iterable[Segment],
    *,
    wanted: Collection[str],
    account: Known,
    anew: Collection[str] = (),
    again: Collection[str] = (),
    standing: Mapping[str, StandingImage] | None = None,
) -> tuple[PlanStep, ...]:
    """The steps of a run, parents first: for the images `wanted`, and for what these need.

    `anew` are images that are built although nothing changed, and `again` those that are tested again if the same tests
    have rejected them. `standing` are images that are taken as they are. What is reused and needed by
    nothing is left out, unless it was asked for.
    """
    decided: dict[str, PlanStep] = {}
    for segment in segments:
        parent = decided.get(segment.parent or "")
        if standing and segment.name in standing:
            version = standing[segment.name].version
            decided[segment.name] = PlanStep(segment, Action.REUSE, f"validated as {version.version}", version)
            continue
        asked = Action.BUILD if segment.name in anew else Action.VALIDATE if segment.name in again else None
        decided[segment.name] = _decided(segment, parent, account, asked)
    needed = _needed(decided, wanted)
    return tuple(replace(step, awaits=_awaited(decided, step)) for name, step in decided.items() if name in needed)


def is_empty(planned: Iterable[PlanStep]) -> bool:
    """Whether there is nothing to do."""
    return not any(step.action.works for step in planned)


def _decided(segment: Segment, parent: PlanStep | None, account: Known, asked: Action | None) -> PlanStep:
    if segment.shared:
        found = account.standing.get(segment.fingerprint)
        action, reason = (Action.REUSE, f"stands as {found.ami_id}") if found else (Action.BUILD, "not built yet")
    else:
        found = account.of_image.get((segment.name, segment.fingerprint))
        action, reason = _of_image(segment, found, account)
    if parent and parent.action is Action.REJECTED:
        action, reason = Action.REJECTED, f"{parent.name}, which it stands on, is rejected"
    elif action is Action.REJECTED and asked is Action.VALIDATE:
        action, reason = Action.VALIDATE, "asked to be tested again"
    elif asked is Action.BUILD:
        action, reason = Action.BUILD, "asked to be built anew"
    elif action is not Action.BUILD and parent and _fallen(parent):
        action, reason = Action.BUILD, f"{parent.name}, which it stands on, is {parent.found and parent.found.state}"
    name = _stem(segment.name) if segment.shared else segment.name
    took = account.seconds
    return PlanStep(segment, action, reason, found, took.get((name, "build")), took.get((name, "validate")))


def _of_image(segment: Segment, found: Version | None, account: Known) -> tuple[Action, str]:
    if found is None:
        return Action.BUILD, _why_new(segment, account.newest.get(segment.name))
    same_tests = found.proof == segment.tests
    match found.state:
        case State.VALIDATED if same_tests:
            return Action.REUSE, f"validated as {found.version}"
        case State.VALIDATED:
            return Action.VALIDATE, "its tests changed"
        case State.BUILT:
            return Action.VALIDATE, "built, and not tested yet"
        case State.REJECTED if not same_tests:
            return Action.VALIDATE, "its tests changed since it was rejected"
        case _:
            why = f"{found.reason}; " if found.reason else ""
            action = Action.REJECTED if found.state is State.REJECTED else Action.BUILD
            return action, f"{why}{found.version} is {found.state}"


def _why_new(segment: Segment, newest: Version | None) -> str:
    if newest is None:
        return "not built yet"
    changed = in_tags(segment.inputs, newest.tags)
    if not changed:
        return "no AMI has its fingerprint"
    more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    return ", ".join(map(str, changed[:_NAMED])) + more


def _fallen(parent: PlanStep) -> bool:
    """Whether the AMI that a parent had is no good any more, and with it what stands on it."""
    bad = (State.REJECTED, State.REVOKED)
    return parent.action is Action.BUILD and parent.found is not None and parent.found.state in bad


def _awaited(decided: Mapping[str, PlanStep], step: PlanStep) -> str:
    at = decided.get(step.segment.parent or "")
    while at is not None and at.segment.shared:
        at = decided.get(at.segment.parent or "")
    return at.name if at is not None and at.action is not Action.REUSE else ""


def _needed(decided: Mapping[str, PlanStep], wanted: Collection[str]) -> set[str]:
    needed: set[str] = set()
    for name in wanted:
        needed.update(_needed_by(decided, name))
    return needed


def _needed_by(decided: Mapping[str, PlanStep], name: str) -> Iterator[str]:
    """An image, what its build starts from, and those below whose verdict is still to come."""
    at: PlanStep | None = decided[name]
    base = True
    while at is not None:
        if base or at.action is Action.VALIDATE:
            yield at.name
        if at.action is Action.REUSE and not at.segment.shared:
            return
        below = decided.get(at.segment.parent or "")
        if at.action is Action.REJECTED and (below is None or below.action is not Action.REJECTED):
            return
        base = at.action is not Action.VALIDATE
        at = below
