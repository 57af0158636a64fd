"""A run: every step of its plan built, validated and tagged, with a record that outlives it."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.aws import AwsError, refusal
from orchestrator.build.packer import packer_version
from orchestrator.errors import AmiError, StageError
from orchestrator.plan.stack import segments
from orchestrator.progress import Event, Stage
from orchestrator.registry import versions
from orchestrator.render.generation import generation_of
from orchestrator.render.packer import render
from orchestrator.run.graph import work_through
from orchestrator.run.identity import begin
from orchestrator.run.image import Making, make
from orchestrator.run.outcome import Outcome, Status, Summary
from orchestrator.run.plan import plan
from orchestrator.run.source import resolve
from orchestrator.run.stop import signals_set
from orchestrator.run.tests import tests_of
from orchestrator.validate.session import check_present

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.progress import Listener
    from orchestrator.render.generation import Generation
    from orchestrator.run.plan import Step


@dataclass(frozen=True)
class Prepared:
    """What a run will do, and where."""

    workspace: Workspace
    environment: Environment
    generation: Generation
    steps: tuple[Step, ...]


def prepare(workspace: Workspace, environment: Environment, names: Sequence[str]) -> Prepared:
    """Resolve sources and decide what is built. Nothing is changed.

    Raises UsageError for an unknown image, DefinitionError for a mistake in a template, NoTests for a role without
    tests, and LackError for a source that cannot be found.
    """
    wanted = segments(workspace, names)
    generation = generation_of(packer_version())
    for segment in wanted:
        check_present(tests_of(workspace, segment))
        render(workspace, segment, generation)
    account = environment.account
    sources = {one.source.name: one.source for one in wanted}
    resolved = {name: resolve(account, source) for name, source in sources.items()}
    steps = plan(wanted, wanted=set(names), versions=versions(account), sources=resolved)
    return Prepared(workspace, environment, generation, steps)


def execute(
    prepared: Prepared, listener: Listener, *, tell: Callable[[str], None], parallel: int, keep: bool = False
) -> Summary:
    """Carry out the steps. Every failure becomes an outcome; only a bug raises."""
    identity = begin(prepared.workspace.root)
    stop, urgent = threading.Event(), threading.Event()
    with recorded(identity.folder, listener) as heard, signals_set(stop, urgent, tell):
        making = Making(
            workspace=prepared.workspace,
            environment=prepared.environment,
            account=prepared.environment.account,
            identity=identity,
            keep=keep,
            stop=stop,
            urgent=urgent,
            listener=heard,
        )
        outcomes = _carry_out(making, prepared.steps, prepared.generation, parallel)
    summary = Summary(identity.id, str(identity.folder), tuple(outcomes.values()), interrupted=stop.is_set())
    write_summary(identity.folder, summary)
    return summary


def _carry_out(making: Making, steps: Sequence[Step], generation: Generation, parallel: int) -> dict[str, Outcome]:
    by_name = {step.segment.image.name: step for step in steps}
    made: dict[str, Outcome] = {}

    def work(name: str) -> Outcome:
        step = by_name[name]
        if step.reuse:
            made[name] = Outcome(name, Status.REUSED, step.reuse.ami_id, step.reuse.version, tests=step.reuse.tests)
        else:
            base = step.base or made[step.segment.parent or ""].ami_id
            made[name] = guarded(making, name, lambda: make(making, step.segment, base, generation))
        return made[name]

    with ThreadPoolExecutor(parallel, thread_name_prefix="image") as executor:
        return work_through(
            {name: _parent_in(by_name, step) for name, step in by_name.items()},
            work=work,
            skip=lambda name, parent: Outcome(name, Status.CANCELLED, reason=f"{parent.image} is {parent.status}"),
            good=lambda outcome: outcome.usable,
            executor=executor,
        )


def _parent_in(steps: dict[str, Step], step: Step) -> str | None:
    """The parent that this run waits for, if any."""
    return step.segment.parent if step.segment.parent in steps else None


def guarded(making: Making, name: str, work: Callable[[], Outcome]) -> Outcome:
    """The outcome of work on an image, or why there is none; how long it took either way. Only a bug raises."""
    if making.stop.is_set():
        return Outcome(name, Status.CANCELLED, reason="the run was stopped before it was begun")
    began = time.monotonic()
    try:
        outcome = work()
    except AmiError as error:
        outcome = _gone_wrong(making, name, error)
    except AwsError as error:
        outcome = _gone_wrong(making, name, refusal(error) or StageError(str(error)))
    outcome = replace(outcome, seconds=time.monotonic() - began)
    making.listener(Event(name, Stage.DONE, message=str(outcome.status), seconds=outcome.seconds))
    return outcome


def _gone_wrong(making: Making, name: str, error: AmiError) -> Outcome:
    status = Status.CANCELLED if making.stop.is_set() else Status.FAILED
    return Outcome(name, status, reason=error.message, hint=error.hint)


@contextmanager
def recorded(folder: Path, listener: Listener) -> Iterator[Listener]:
    """A listener that also writes each event to `events.jsonl` in the run's folder."""
    lock = threading.Lock()
    with (folder / "events.jsonl").open("a", encoding="utf-8") as record:

        def hear(event: Event) -> None:
            with lock:
                record.write(json.dumps(event.as_json(), ensure_ascii=False) + "\n")
                record.flush()
            listener(event)

        yield hear


def write_summary(folder: Path, summary: Summary) -> None:
    """`summary.json` in the run's folder."""
    text = json.dumps(summary.as_json(), indent=2, ensure_ascii=False)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
