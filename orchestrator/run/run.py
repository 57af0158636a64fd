"""A run: every step of its plan carried out, with a record that outlives it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.run.evidence.evidence_store import store_of
from orchestrator.run.evidence.put import put_evidence, put_when_it_raises
from orchestrator.run.image import RunContext
from orchestrator.run.outcome import SegmentStatus, Summary
from orchestrator.run.remote.work_place import ThisMachine
from orchestrator.run.schedule import Work, work_through
from orchestrator.run.session.session import session
from orchestrator.run.tasks import tasks
from orchestrator.run.work import SegmentWork, as_found
from orchestrator.secret_values import Secrets
from orchestrator.system_refusal import system_refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    from orchestrator.progress import Listener
    from orchestrator.run.outcome import SegmentOutcome
    from orchestrator.run.prepare import Plan
    from orchestrator.run.remote.work_place import WorkPlace

_HERE = ThisMachine()


def execute(
    plan: Plan,
    listener: Listener,
    *,
    tell: Callable[[str], None],
    keep: bool = False,
    executor: Executor | None = None,
    place: WorkPlace = _HERE,
) -> Summary:
    """Carry out a plan. Every failure becomes an outcome; only a bug raises, and a place that cannot be used.

    `executor` runs the tasks; without one there is a thread for each of `--parallel`. They mostly wait: `place` is
    where segments are built and proven.
    """

    def work(begun: RunContext) -> tuple[SegmentOutcome, ...]:
        context = replace(begun, collected=plan.collected)
        with place.opened(plan, context) as workshop, _executor(executor, plan.bounds.tasks) as chosen:
            segments = SegmentWork(plan, context, workshop)
            doing = Work(
                segments.do, segments.skip, lambda outcome: outcome.status.good, segments.give_up, segments.look
            )
            work_through(tasks(plan.steps, vcpus=plan.vcpus), doing, executor=chosen, bounds=plan.bounds)
        return segments.outcomes()

    secrets = plan.secrets or Secrets(plan.workspace, plan.environment)
    secrets.keep_key()
    return run(secrets, listener, work, tell=tell, keep=keep)


def nothing_done(plan: Plan) -> Summary:
    """The summary of an empty plan, for which no run is begun."""
    return Summary("", "", tuple(as_found(step, SegmentStatus.REUSED) for step in plan.steps))


def run(
    secrets: Secrets,
    listener: Listener,
    work: Callable[[RunContext], tuple[SegmentOutcome, ...]],
    *,
    tell: Callable[[str], None],
    keep: bool,
) -> Summary:
    """Do `work` in a session of its own, in the workspace and the environment of `secrets`.

    What `work` raises is raised here, and leaves no summary. What the run left is put into the artifact bucket.
    """
    began, workspace, environment = time.monotonic(), secrets.workspace, secrets.environment
    store = store_of(environment)
    with (
        session(
            workspace.root,
            environment.account,
            environment.artifact_bucket,
            listener,
            tell=tell,
            environment=environment.name,
        ) as begun,
        put_when_it_raises(store, begun.identity.folder, tell),
    ):
        outcomes = work(RunContext(workspace, environment, begun, secrets, stop=begun.stop, keep=keep))
    summary = Summary(
        begun.identity.id,
        str(begun.identity.folder),
        outcomes,
        interrupted=begun.stop.is_set(),
        seconds=time.monotonic() - began,
    )
    try:
        begun.conclude(summary.as_json())
    except OSError as error:  # what was made is told all the same
        lack = system_refusal(error)
        if lack is None:
            raise
        return replace(summary, unrecorded=lack.message)
    put_evidence(store, begun.identity.folder, tell)
    return summary


@contextmanager
def _executor(given: Executor | None, threads: int) -> Iterator[Executor]:
    if given is not None:
        yield given
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="segment") as made:
        yield made
