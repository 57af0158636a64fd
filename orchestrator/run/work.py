"""What the tasks of a run do: build a segment or adopt it, prove it or adopt its verdict, or say why not.

A task that another run is doing is put off: it comes back when that run has ended it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError
from orchestrator.errors import AmiError
from orchestrator.plan.steps import Action
from orchestrator.progress import Event, Stage
from orchestrator.run import inputs_record
from orchestrator.run.guard import guarded
from orchestrator.run.image import reject
from orchestrator.run.leases.lease import LeaseHeld, NoLeases
from orchestrator.run.outcome import SegmentOutcome, SegmentStatus
from orchestrator.run.session.stop import Stop
from orchestrator.run.sharing.elsewhere import Elsewhere, Waits
from orchestrator.run.sharing.meanwhile import built_meanwhile, proven_meanwhile
from orchestrator.run.tasks import BUILD, TEST, name_of, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.plan.steps import PlanStep
    from orchestrator.run.image import RunContext
    from orchestrator.run.prepare import Plan
    from orchestrator.run.remote.work_place import Workshop
    from orchestrator.run.schedule import PutOff, Task

LOG = logging.getLogger(__name__)

#: What a person can do about a rejected image.
_RETRY = "--retry tests it again, --rebuild builds it again"


@dataclass
class SegmentWork:
    """Does the tasks of one plan; see `schedule.Work`."""

    plan: Plan
    context: RunContext
    #: Where segments are built and proven.
    workshop: Workshop
    #: Of tasks that ended, by name.
    results: dict[str, SegmentOutcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.steps = {step.name: step for step in self.plan.steps}
        self.stops = {name: Stop(self.context.stop) for name in self.steps}
        self.spoiled: dict[str, str] = {}

    @cached_property
    def waits(self) -> Waits:
        """What other runs are doing for this one."""
        leases = self.context.leases
        if isinstance(leases, NoLeases):
            raise AssertionError("without leases nothing is put off")  # noqa: TRY004 - no argument is wrong
        return Waits(leases.records, self.context.listener)

    def do(self, task: Task) -> SegmentOutcome | Elsewhere:
        """Build or prove a segment, if no other run is at it. Every failure becomes an outcome; only a bug raises."""
        kind, name = parts_of(task.name)
        step = self.steps[name]
        try:
            outcome = self._guarded(step, lambda: self._build(step) if kind == BUILD else self._prove(step))
        except LeaseHeld as held:
            return Elsewhere(held.key, held.record)
        return self._kept(task.name, outcome)

    def look(self, put_off: Mapping[str, PutOff]) -> dict[str, SegmentOutcome | None]:
        """What tasks came to that other runs did; None for those that they left undone. See `schedule.Work`."""
        waited = {name: answer for name, answer in put_off.items() if isinstance(answer, Elsewhere)}
        stopped = {name for name in waited if self._stop_of(name).is_set()}
        over = self.waits.over({name: answer for name, answer in waited.items() if name not in stopped})
        return {name: self._given_up(name, waited[name]) for name in stopped} | {
            name: self._done_elsewhere(name) for name in over
        }

    def skip(self, task: Task, culprit: SegmentOutcome) -> SegmentOutcome:
        """The outcome of a task that is not begun. An AMI that stands on a rejected one is rejected with it."""
        _, name = parts_of(task.name)
        if culprit.image == name:
            return self._kept(task.name, culprit)
        reason = f"{culprit.image}, which it stands on, is {culprit.status}"
        own = self._made(self.steps[name])
        outcome = SegmentOutcome(name, SegmentStatus.CANCELLED, reason=reason, shared=self.steps[name].segment.shared)
        if own is not None and culprit.status is SegmentStatus.REJECTED:
            outcome = self._guarded(self.steps[name], lambda: self._rejected(own, reason))
        return self._kept(task.name, outcome)

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

    def _kept(self, task: str, outcome: SegmentOutcome) -> SegmentOutcome:
        self.results[task] = outcome
        kind, name = parts_of(task)
        by = f" by run {outcome.adopted}" if outcome.adopted else ""
        if kind == TEST or self.steps[name].segment.shared or not outcome.status.good:
            message = f"{outcome.status}{by}"
            self.context.listener(Event(name, Stage.DONE, message, seconds=outcome.seconds, run=outcome.adopted))
        elif by:
            self.context.listener(Event(name, Stage.WAIT, f"{outcome.status}{by}", run=outcome.adopted))
        return outcome

    def _build(self, step: PlanStep) -> SegmentOutcome:
        context = self.context.until(self.stops[step.name])
        with self.context.leases.take(f"build/{step.name}/{step.segment.fingerprint}", lost=context.stop.set):
            if (other := built_meanwhile(self.plan, step)) is not None:
                return other
            inputs_record.keep(self.plan.environment, step.segment)
            return self.workshop.make(context, step.segment, self._base(step))

    def _prove(self, step: PlanStep) -> SegmentOutcome:
        context, segment = self.context.until(self.stops[step.name]), step.segment
        built = self._built(step)
        with self.context.leases.take(f"validate/{built.ami_id}/{segment.tests}", lost=context.stop.set):
            if self.context.leases.exclusive and (other := proven_meanwhile(self.plan, step, built)) is not None:
                return other
            build_seconds = built.build_seconds or step.build_seconds
            return self.workshop.prove(context, segment, replace(built, adopted=""), build_seconds=build_seconds)

    def _stop_of(self, task: str) -> Stop:
        return self.stops[parts_of(task)[1]]

    def _given_up(self, task: str, elsewhere: Elsewhere) -> SegmentOutcome:
        """The outcome of a task that another run was doing when this one was stopped."""
        step = self.steps[parts_of(task)[1]]
        owner = elsewhere.record.owner if elsewhere.record else None
        reason = f"stopped while waiting for {owner or elsewhere.key}"
        return self._kept(task, self._with_ami(step, SegmentOutcome(step.name, SegmentStatus.CANCELLED, reason=reason)))

    def _done_elsewhere(self, task: str) -> SegmentOutcome | None:
        """What a task came to that another run does no longer; None when nothing came of it, or when it is not known:
        doing it says why.
        """
        kind, name = parts_of(task)
        step = self.steps[name]
        try:
            if kind == BUILD:
                other = built_meanwhile(self.plan, step)
            else:
                other = proven_meanwhile(self.plan, step, self._built(step))
        except (AmiError, *AwsError) as error:
            LOG.info("whether %s was done is not known: %s", task, error)
            return None
        if other is None:
            self.waits.left_undone(task)
            return None
        return self._kept(task, other)

    def _built(self, step: PlanStep) -> SegmentOutcome:
        """The AMI that is tested."""
        if (built := self._made(step)) is None:
            raise AssertionError("a test comes after the build of its segment")
        return built

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

    def _rejected(self, own: SegmentOutcome, reason: str) -> SegmentOutcome:
        reject(self.context, own.ami_id, reason)
        return replace(own, status=SegmentStatus.REJECTED, reason=reason)

    def _guarded(self, step: PlanStep, work: Callable[[], SegmentOutcome]) -> SegmentOutcome:
        """The outcome of work on a segment; of work that came to nothing it says what there is all the same."""
        outcome = guarded(step.name, self.stops[step.name], work)
        return outcome if outcome.status.good or outcome.ami_id else self._with_ami(step, outcome)

    def _with_ami(self, step: PlanStep, outcome: SegmentOutcome) -> SegmentOutcome:
        """The outcome of work that came to nothing, with the AMI that there is all the same."""
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
