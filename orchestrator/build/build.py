"""From a rendered template to an AMI: as many attempts as make sense, and nothing left behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.aws.capacity import named
from orchestrator.build.attempt import attempt
from orchestrator.build.cause import Cause
from orchestrator.build.failure import BuildFailed
from orchestrator.build.packer.installed import ready, required_by
from orchestrator.build.request import BuildRequest, Built
from orchestrator.build.retry_plan import RetryPlan
from orchestrator.progress import Event, Listener, Stage, ignore

if TYPE_CHECKING:
    from orchestrator.build.packer.installed import Ready

__all__ = ["BuildFailed", "BuildRequest", "Built", "Cause", "build"]


def build(request: BuildRequest, listener: Listener = ignore) -> Built:
    """Build one image. Logs stay in `request.folder`: `packer.log`, `tasks.jsonl`, `run.pkrvars.json`.

    When EC2 has no room, the other places of the request are tried in turn; a machine that was lost, or a call that AWS
    failed, is made up for by further attempts (see retry_plan). A failed task or a refusal is final.

    Raises BuildFailed when the build fails, LackError when it cannot begin, Interrupted when `request.stop` was set.
    Each says what may have stayed behind in the account, if anything.
    """
    if not request.stop.is_set():
        request.folder.mkdir(parents=True, exist_ok=True)
        request = request if request.ready else replace(request, ready=_found(request))
    places = request.placement.places
    plan = RetryPlan(places, on_demand=places if request.spot else ())
    while True:
        try:
            built = attempt(replace(request, attempt=plan.number), plan, listener)
        except BuildFailed as failed:
            following = plan.after(failed)
            if following is None:
                raise failed.after(plan.story) from None
            listener(Event(request.image, Stage.LAUNCH, _said(following, failed)))
            request.stop.wait(following.pause)
            plan = following
        else:
            listener(Event(request.image, Stage.TAG, f"built {built.ami_id} in {built.region}"))
            return built


def _found(request: BuildRequest) -> Ready:
    return ready(required_by(request.template.read_text(encoding="utf-8")), request.workspace)


def _said(plan: RetryPlan, failed: BuildFailed) -> str:
    """What a person is told of one more attempt."""
    if failed.cause is Cause.CAPACITY:
        return f"{plan.story[-1]}; trying {'spot capacity for ' if plan.spot else ''}{named(plan.place)}"
    return "building once more: " + " ".join(failed.reason.split("\n")[:2])
