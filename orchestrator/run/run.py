"""A run: every step of its plan carried out, with a record that outlives it."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.masks import hidden, hide
from orchestrator.run.image import RunContext
from orchestrator.run.outcome import SegmentStatus, Summary
from orchestrator.run.schedule import Work, work_through
from orchestrator.run.session.identity import begin
from orchestrator.run.session.life import life_of
from orchestrator.run.session.stop import signals_set
from orchestrator.run.tasks import tasks
from orchestrator.run.work import SegmentWork, as_found
from orchestrator.secret_values import Secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor
    from pathlib import Path

    from orchestrator.progress import Event, Listener
    from orchestrator.run.leases.lease import Leases, NoLeases
    from orchestrator.run.outcome import SegmentOutcome
    from orchestrator.run.prepare import Plan


def execute(
    plan: Plan,
    listener: Listener,
    *,
    tell: Callable[[str], None],
    keep: bool = False,
    executor: Executor | None = None,
) -> Summary:
    """Carry out a plan. Every failure becomes an outcome; only a bug raises.

    `executor` runs the tasks; without one there is a thread for each of `--parallel`.
    """

    def work(context: RunContext, leases: Leases | NoLeases) -> tuple[SegmentOutcome, ...]:
        segments = SegmentWork(plan, context, leases)
        doing = Work(segments.do, segments.skip, lambda outcome: outcome.status.good, segments.give_up)
        with _executor(executor, plan.bounds.tasks) as chosen:
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
    work: Callable[[RunContext, Leases | NoLeases], tuple[SegmentOutcome, ...]],
    *,
    tell: Callable[[str], None],
    keep: bool,
) -> Summary:
    """Do `work` as a run with an identity, a sign of life, a record, and an ear for signals.

    It works in the workspace and the environment of `secrets`. What `work` raises is raised here, and leaves no
    summary.
    """
    began, workspace, environment = time.monotonic(), secrets.workspace, secrets.environment
    identity = begin(workspace.root)
    stop, urgent = threading.Event(), threading.Event()
    with (
        recorded(identity.folder, listener) as heard,
        signals_set(stop, urgent, tell),
        life_of(environment.account, environment.artifact_bucket, identity, lost=stop.set) as leases,
    ):
        context = RunContext(
            workspace=workspace,
            environment=environment,
            identity=identity,
            listener=heard,
            keep=keep,
            stop=stop,
            urgent=urgent,
            secrets=secrets,
        )
        outcomes = work(context, leases)
    summary = Summary(
        identity.id, str(identity.folder), outcomes, interrupted=stop.is_set(), seconds=time.monotonic() - began
    )
    write_summary(identity.folder, summary)
    return summary


@contextmanager
def _executor(given: Executor | None, threads: int) -> Iterator[Executor]:
    if given is not None:
        yield given
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="segment") as made:
        yield made


@contextmanager
def recorded(folder: Path, listener: Listener) -> Iterator[Listener]:
    """A listener that also writes each event to `events.jsonl` in the run's folder. Both get it without secrets.

    What UTF-8 has no bytes for is escaped, as in every record: it may come from a test that failed.
    """
    lock = threading.Lock()
    with (folder / "events.jsonl").open("a", encoding="utf-8", errors="backslashreplace") as record:

        def hear(event: Event) -> None:
            event = replace(event, message=hide(event.message), task=hide(event.task))
            with lock:
                record.write(json.dumps(event.as_json(), ensure_ascii=False) + "\n")
                record.flush()
            listener(event)

        yield hear


def write_summary(folder: Path, summary: Summary) -> None:
    """`summary.json` in the run's folder."""
    text = json.dumps(hidden(summary.as_json()), indent=2, ensure_ascii=False)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
