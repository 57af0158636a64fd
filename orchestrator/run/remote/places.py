"""Where a person wants a run to work."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.definition.workspace import from_here
from orchestrator.errors import DefinitionError, Problem
from orchestrator.run.remote.scheduler_address import address_of
from orchestrator.run.remote.work_place import ThisMachine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.run.remote.work_place import WorkPlace


@contextmanager
def place_at(written: str | None, environment: Environment) -> Iterator[WorkPlace]:
    """Where a person wants a run to work: this machine, or the workers of the scheduler at an address.

    Raises UsageError for what is no address, DefinitionError for an environment without an artifact bucket, through
    which the workspace travels, and LackError as `connected` does.
    """
    if written is None:
        yield ThisMachine()
        return
    address = address_of(written)
    if not environment.artifact_bucket:
        what = "`--on` needs an artifact bucket: workers get the workspace from it, and say there that they live"
        raise DefinitionError(
            [from_here(Problem(environment.path, 0, what))], hint='add the line: artifact_bucket = "NAME"'
        )
    from orchestrator.run.remote.cluster import connected  # noqa: PLC0415 - most runs need none of it
    from orchestrator.run.remote.dask_place import DaskPlace  # noqa: PLC0415

    with connected(address) as cluster:
        yield DaskPlace(cluster)
