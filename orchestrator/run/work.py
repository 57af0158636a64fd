"""What the tasks of a run do: build a segment or adopt it, prove it or adopt its verdict, or say why not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orchestrator.plan.steps import Action
from orchestrator.progress import Event, Stage
from orchestrator.registry import State, versions
from orchestrator.run import inputs_record
from orchestrator.run.guard import guarded
from orchestrator.run.image import make, prove, reject
from orchestrator.run.outcome import SegmentOutcome, SegmentStatus
from orchestrator.run.session.stop import Stop
from orchestrator.run.tasks import BUILD, TEST, name_of, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.plan.steps import PlanStep
    from orchestrator.registry import Version
    from orchestrator.run.image import RunContext
    from orchestrator.run.leases.lease import LeaseOwner
    from orchestrator.run.prepare import Plan
    from orchestrator.run.schedule import Task


#: What a person can do about a rejected image.
_RETRY = "--retry tests it again, --rebuild builds it again"


@dataclass
class SegmentWork:
    """Does the tasks of one plan; see `schedule.Work`."""

    plan: Plan
    context: RunContext
    #: Of tasks that ended, by name.
    results: dict[str, SegmentOutcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.steps = {step.name: step for step in self.plan.steps}
        self.stops = {name: Stop(self.context.stop) for name in self.steps}
        self.spoiled: dict[str, str] = {}

    def do(self, task: Task) -> SegmentOutcome:
        """Build or prove a segment. Every failure becomes an outcome; only a bug raises."""
        kind, name = parts_of(task.name)
        step = self.steps[name]
        outcome = self._guarded(step, lambda: self._build(step) if kind == BUILD else self._prove(step))
        return self._kept(task, outcome)

    def skip(self, task: Task, culprit: SegmentOutcome) -> SegmentOutcome:
        """The outcome of a task that is not begun. An AMI that stands on a rejected one is rejected with it."""
        _, name = parts_of(task.name)
        if culprit.image == name:
            return self._kept(task, culprit)
        reason = f"{culprit.image}, which it stands on, is {culprit.status}"
        own = self._made(self.steps[name])
        outcome = SegmentOutcome(name, SegmentStatus.CANCELLED, reason=reason, shared=self.steps[name].segment.shared)
        if own is not None and culprit.status is SegmentStatus.REJECTED:
            outcome = self._guarded(self.steps[name], lambda: self._rejected(own, reason))
        return self._kept(task, outcome)

    def give_up(self, task: Task, culprit: SegmentOutcome) -> None:
        """Ask a task that runs to end, because of what it stands on."""
        _, name = parts_of(task.name)
        self.spoiled[name] = f"{culprit.image}, which it stands on, is {culprit.status}"
        self.stops[name].set()

    def outcomes(self) -> tuple[SegmentOutcome, ...]:
        """The end of every segment, in the order of the plan."""
        return tuple(self._ended(step) for step in self.plan.steps)

    def _ended(self, step: PlanStep) -> SegmentOutcome:
        for kind in (TEST, BUILD):
            if (found := self.results.get(name_of(kind, step.name))) is not None:
                return found
        return as_found(step, SegmentStatus.REUSED)

    def _kept(self, task: Task, outcome: SegmentOutcome) -> SegmentOutcome:
        self.results[task.name] = outcome
        kind, name = parts_of(task.name)
        if kind == TEST or self.steps[name].segment.shared or not outcome.status.good:
            self.context.listener(Event(name, Stage.DONE, message=str(outcome.status), seconds=outcome.seconds))
        return outcome

    def _build(self, step: PlanStep) -> SegmentOutcome:
        context = self.context.until(self.stops[step.name])
        key = f"build/{step.name}/{step.segment.fingerprint}"
        with self.context.leases.hold(key, stop=context.stop, lost=context.stop.set, waiting=self._waiting(step)):
            if (other := self._built_meanwhile(step)) is not None:
                return _adopted(step, other, SegmentStatus.BUILT)
            inputs_record.keep(self.plan.environment, step.segment)
            if self.plan.ready is None or self.plan.renderer is None:
                raise AssertionError("a plan that builds has its Packer")
            return make(context, step.segment, self._base(step), self.plan.ready, self.plan.renderer)

    def _prove(self, step: PlanStep) -> SegmentOutcome:
        context, segment = self.context.until(self.stops[step.name]), step.segment
        built = self._made(step)
        if built is None:
            raise AssertionError("a test comes after the build of its segment")
        key = f"validate/{built.ami_id}/{segment.tests}"
        with self.context.leases.hold(key, stop=context.stop, lost=context.stop.set, waiting=self._waiting(step)):
            if self.context.leases.exclusive and (other := self._proven_meanwhile(step, built.ami_id)) is not None:
                status = SegmentStatus.VALIDATED if other.state is State.VALIDATED else SegmentStatus.REJECTED
                return replace(_adopted(step, other, status), build_seconds=built.build_seconds)
            return prove(context, segment, built, build_seconds=built.build_seconds or step.build_seconds)

    def _base(self, step: PlanStep) -> str:
        """The AMI that a build starts from."""
        if step.segment.parent is None:
            return self.plan.source_amis[step.segment.source.name]
        parent = self._made(self.steps[step.segment.parent])
        if parent is None:
            raise AssertionError("a build comes after the build of its parent")
        return parent.ami_id

    def _made(self, step: PlanStep) -> SegmentOutcome | None:
        """The AMI that a segment has by now: one that was found, or that this run built; None when there is none."""
        built = self.results.get(name_of(BUILD, step.name))
        if built is not None:
            return built if built.status.good else None
        return None if step.action is Action.BUILD else as_found(step, SegmentStatus.BUILT)

    def _built_meanwhile(self, step: PlanStep) -> Version | None:
        """The AMI of the segment that somebody else built since the plan was made."""
        adoptable = (State.BUILT, State.VALIDATED, State.REJECTED)
        for one in versions(self.context.account, image=step.name):
            if one.fingerprint == step.segment.fingerprint and one.ami_id not in self.plan.seen:
                return one if one.state in adoptable else None
        return None

    def _proven_meanwhile(self, step: PlanStep, ami_id: str) -> Version | None:
        for one in versions(self.context.account, image=step.name):
            if one.ami_id == ami_id and one.proof == step.segment.tests:
                if step.found and (step.found.state, step.found.proof) == (one.state, one.proof):
                    return None  # the verdict that was there before, and that is asked for again
                return one if one.state in (State.VALIDATED, State.REJECTED) else None
        return None

    def _rejected(self, own: SegmentOutcome, reason: str) -> SegmentOutcome:
        reject(self.context, own.ami_id, reason)
        return replace(own, status=SegmentStatus.REJECTED, reason=reason)

    def _waiting(self, step: PlanStep) -> Callable[[LeaseOwner], None]:
        def tell(owner: LeaseOwner) -> None:
            self.context.listener(Event(step.name, Stage.WAIT, message=f"{owner} works on it"))

        return tell

    def _guarded(self, step: PlanStep, work: Callable[[], SegmentOutcome]) -> SegmentOutcome:
        """The outcome of work on a segment; of work that came to nothing it says what there is all the same."""
        outcome = guarded(step.name, self.stops[step.name], work)
        if outcome.status.good or outcome.ami_id:
            return outcome
        made = self._made(step)
        outcome = replace(outcome, shared=step.segment.shared, reason=self.spoiled.get(step.name, outcome.reason))
        return replace(outcome, ami_id=made.ami_id, version=made.version) if made else outcome


def as_found(step: PlanStep, status: SegmentStatus) -> SegmentOutcome:
    """The outcome of a segment of which there is an AMI already, and of one that stays rejected."""
    found = step.found
    if step.action is Action.REJECTED:
        status = SegmentStatus.CANCELLED if found is None else SegmentStatus.REJECTED
        ami_id, version, tests = (found.ami_id, found.version, found.tests) if found else ("", "", "")
        return SegmentOutcome(
            step.name, status, ami_id, version, step.reason, _RETRY, tests, shared=step.segment.shared
        )
    if found is None:
        raise AssertionError("what is not built was found")
    return SegmentOutcome(step.name, status, found.ami_id, found.version, tests=found.tests, shared=step.segment.shared)


def _adopted(step: PlanStep, other: Version, status: SegmentStatus) -> SegmentOutcome:
    return SegmentOutcome(
        step.name,
        status,
        other.ami_id,
        other.version,
        reason=other.reason if status is SegmentStatus.REJECTED else "",
        tests=other.tests,
        adopted=other.run,
        shared=step.segment.shared,
    )
