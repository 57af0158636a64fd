"""A run whose segments are built and proven by the workers of a Dask scheduler."""

from __future__ import annotations

import pickle
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.run.remote.cluster import check_workers
from orchestrator.run.remote.dask_workshop import DaskWorkshop
from orchestrator.run.remote.on_worker import WorkerRequest
from orchestrator.run.remote.program import this_program
from orchestrator.run.remote.travel.parcel_store import ParcelStore
from orchestrator.run.remote.travel.parcels import parcels_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.run.image import RunContext
    from orchestrator.run.prepare import Plan
    from orchestrator.run.remote.cluster import Cluster
    from orchestrator.run.remote.work_place import Workshop


@dataclass(frozen=True)
class DaskPlace:
    """The workers of a scheduler."""

    cluster: Cluster

    @property
    def slots(self) -> int:
        """A task for each thread of each worker."""
        return sum(self.cluster.threads.values())

    @contextmanager
    def opened(self, plan: Plan, context: RunContext) -> Iterator[Workshop]:
        """Put the workspace into the bucket, and let each worker look whether it has what the run needs."""
        segments = tuple(step.segment for step in plan.steps if step.action.works)
        store = ParcelStore(context.account, plan.environment.artifact_bucket)
        parcels = parcels_of(plan.workspace, segments)
        for parcel in parcels:
            store.put(parcel)
        workshop = DaskWorkshop(self.cluster, context, tuple(parcel.digest for parcel in parcels), plan.renderer)
        check = workshop.errand("check", replace(workshop.common, segments=segments))
        with workshop.listening(check):
            asked = WorkerRequest(this_program(), check, workshop.topic)
            check_workers(self.cluster.examine(pickle.dumps(asked)))
            yield workshop
