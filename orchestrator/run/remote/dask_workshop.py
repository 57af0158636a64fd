"""The workers of a Dask scheduler at work for one run: errands go there; events, logs and outcomes come back."""

from __future__ import annotations

import os
import pickle
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestrator.definition.levels.extended import BUILTIN_ROOT
from orchestrator.errors import Interrupted, LackError
from orchestrator.progress import Event, Stage
from orchestrator.run.remote.child import unpack
from orchestrator.run.remote.errand import Errand, Orders
from orchestrator.run.remote.on_worker import WorkerRequest
from orchestrator.run.remote.program import this_program
from orchestrator.run.remote.stops import Stops
from orchestrator.run.remote.travel.parcels import known_commits, roots_of_levels
from orchestrator.run.remote.travel.relocation import dumped, told_here
from orchestrator.run.tasks import BUILD, TEST, name_of, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.plan.segment import Segment
    from orchestrator.render.packer import Renderer
    from orchestrator.run.image import RunContext
    from orchestrator.run.outcome import SegmentOutcome
    from orchestrator.run.remote.cluster import Cluster
    from orchestrator.run.remote.errand import ErrandResult


class DaskWorkshop:
    """Sends the segments of one run to workers. May be shared between threads.

    `levels` are the digests of the workspace's levels, the nearest first, as they are in the bucket. `renderer` has
    what is built.
    """

    def __init__(
        self, cluster: Cluster, context: RunContext, levels: tuple[str, ...], renderer: Renderer | None
    ) -> None:
        self.topic = f"ami-{context.identity.id}"
        self.common = _common(context)
        self._cluster = cluster
        self._context = context
        self._levels = levels
        self._renderer = renderer
        self._roots = roots_of_levels(context.workspace)
        self._commits = known_commits(context.workspace, context.identity.commit)
        self._begun: dict[str, str] = {}
        self._places: dict[str, dict[str, str]] = {}
        self._unfit: set[str] = set()

    def errand(self, name: str, orders: Orders) -> Errand:
        """Orders as they travel."""
        packed = dumped(orders, (*self._roots, BUILTIN_ROOT), self._commits)
        environment = self._context.environment
        bucket = environment.artifact_bucket
        return Errand(self._context.identity.id, name, environment.account, bucket, self._levels, packed)

    @contextmanager
    def listening(self, check: Errand) -> Iterator[None]:
        """While it lasts, events of workers reach the run. `check` is for workers that join."""
        self._check = check
        with self._cluster.hearing(self.topic, self._hear):
            yield

    def make(self, context: RunContext, segment: Segment, base: str) -> SegmentOutcome:
        """Let a worker build a segment on the AMI `base`. Raises AmiError when none could."""
        if self._renderer is None:
            raise AssertionError("a plan that builds has a renderer")
        text, packers = self._renderer.text(segment), self._renderer.packers
        orders = replace(self.common, segment=segment, base=base, text=text, packers=packers)
        return self._done(context, name_of(BUILD, segment.name), orders)

    def prove(
        self, context: RunContext, segment: Segment, built: SegmentOutcome, *, build_seconds: float | None
    ) -> SegmentOutcome:
        """Let a worker boot and test the AMI of an outcome. Raises AmiError when none could."""
        orders = replace(
            self.common,
            segment=segment,
            built=built,
            build_seconds=build_seconds,
            keep=context.keep,
        )
        return self._done(context, name_of(TEST, segment.name), orders)

    def _done(self, context: RunContext, task: str, orders: Orders) -> SegmentOutcome:
        errand, key = self.errand(task, orders), f"{self.topic}/{task}"
        asked = WorkerRequest(this_program(), self._check, self.topic, errand, f"{key}/stop", f"{self.topic}/urgent")
        stops = Stops(context.stop, context.session.urgent, asked.stop, asked.urgent, self._begun)
        while True:
            answer = self._cluster.done(f"{key}/{len(self._unfit)}", pickle.dumps(asked), stops, task, self._unfit)
            if answer.unfit is None:
                return self._taken(task, orders, answer)
            self._leave_out(task, *answer.unfit)

    def _leave_out(self, task: str, worker: str, problem: str) -> None:
        """Send nothing more to a worker that joined and is not fit."""
        self._unfit.add(worker)
        message = f"the worker {worker} is not used: {problem}"
        self._context.listener(Event(parts_of(task)[1], Stage.WAIT, message=message))

    def _taken(self, task: str, orders: Orders, answer: ErrandResult) -> SegmentOutcome:
        """The outcome of an answer, with what was left on the worker in the folder of the run."""
        if answer.bug:
            raise RuntimeError(f"on the worker {self._begun.get(task, '')}:\n{answer.bug}")
        if answer.stopped:
            raise Interrupted("stopped before it was begun")
        if answer.problems:
            raise LackError(self._here(task, "; ".join(answer.problems)))
        if answer.outcome is None or orders.segment is None:
            raise AssertionError("an errand has an outcome")
        unpack(answer.files, self._context.folder_of(orders.segment))
        outcome = answer.outcome
        return replace(outcome, reason=self._here(task, outcome.reason), hint=self._here(task, outcome.hint))

    def _hear(self, line: dict[str, Any]) -> None:
        """What the process of an errand says, or its worker."""
        task = str(line["task"])
        if "begun" in line:
            self._begin(task, str(line["begun"]))
        elif "folder" in line:
            there = (*line["levels"], line["folder"])
            here = (*self._roots, self._context.identity.folder)
            self._places[task] = dict(zip(there, map(str, here), strict=True))
        elif "event" in line:
            told = line["event"]
            given = {"stage": Stage(told["stage"]), "at": datetime.fromisoformat(told["at"])}
            self._context.listener(Event(**{**told, **given, "message": self._here(task, told["message"])}))

    def _begin(self, task: str, worker: str) -> None:
        before, self._begun[task] = self._begun.get(task), worker
        if before is not None:
            message = f"the worker {before} was lost: {worker} does it again"
            self._context.listener(Event(parts_of(task)[1], Stage.WAIT, message=message))

    def _here(self, task: str, text: str) -> str:
        return told_here(text, self._places.get(task, {}))


def _common(context: RunContext) -> Orders:
    """What the orders of a run have in common. Secrets travel as digests with the key of the account."""
    workspace, identity = context.workspace, context.identity
    caller = context.account.client("sts").get_caller_identity()
    digests = context.secrets.digests()
    context.secrets.keep_key()
    return Orders(
        workspace,
        context.environment,
        str(caller["Account"]),
        identity.started,
        identity.commit,
        digests,
        tuple(name for name in workspace.masks if os.environ.get(name)),
        collected=context.collected,
    )
