"""What other runs have made of the segments of a plan since it was made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.registry import State, versions
from orchestrator.registry.record import history
from orchestrator.run.outcome import SegmentOutcome, SegmentStatus

if TYPE_CHECKING:
    from orchestrator.plan.steps import PlanStep
    from orchestrator.registry import Version
    from orchestrator.run.prepare import Plan

#: States of an AMI that another run can have made for this one.
_ADOPTABLE = (State.BUILT, State.VALIDATED, State.REJECTED)


def built_meanwhile(plan: Plan, step: PlanStep) -> SegmentOutcome | None:
    """The AMI of a segment that another run built; None when there is none."""
    for version in versions(plan.environment.account, image=step.name):
        if version.fingerprint == step.segment.fingerprint and version.ami_id not in plan.seen:
            return _adopted(step, version, SegmentStatus.BUILT) if version.state in _ADOPTABLE else None
    return None


def proven_meanwhile(plan: Plan, step: PlanStep, built: SegmentOutcome) -> SegmentOutcome | None:
    """The verdict on an AMI that another run came to by the same tests; None when there is none."""
    for version in versions(plan.environment.account, image=step.name):
        if version.ami_id == built.ami_id and version.proof == step.segment.tests:
            if step.found and (step.found.state, step.found.proof) == (version.state, version.proof):
                return None  # the verdict that was there before, and that is asked for again
            if version.state not in (State.VALIDATED, State.REJECTED):
                return None
            status = SegmentStatus.VALIDATED if version.state is State.VALIDATED else SegmentStatus.REJECTED
            tester = _tester(plan, step, version)
            return replace(_adopted(step, version, status), adopted=tester, build_seconds=built.build_seconds)
    return None


def _tester(plan: Plan, step: PlanStep, version: Version) -> str:
    """The run that came to the verdict; that which built the AMI when the bucket does not tell."""
    said = history(plan.environment.account, plan.environment.artifact_bucket, version.ami_id)
    runs = (entry.get("run") for entry in reversed(said) if entry.get("proof") == step.segment.tests)
    return str(next(runs, version.run))


def _adopted(step: PlanStep, version: Version, status: SegmentStatus) -> SegmentOutcome:
    return SegmentOutcome(
        step.name,
        status,
        version.ami_id,
        version.version,
        reason=version.reason if status is SegmentStatus.REJECTED else "",
        tests=version.tests,
        adopted=version.run,
        shared=step.segment.shared,
    )
