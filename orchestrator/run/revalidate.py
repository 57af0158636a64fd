"""Validate an AMI that exists: the second half of a build, by itself."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import UsageError
from orchestrator.plan.stack import segments
from orchestrator.registry import find, versions
from orchestrator.run.identity import begin
from orchestrator.run.image import Making, prove
from orchestrator.run.outcome import Summary
from orchestrator.run.run import guarded, recorded, write_summary
from orchestrator.run.stop import signals_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import Segment
    from orchestrator.progress import Listener
    from orchestrator.registry import Version


@dataclass(frozen=True)
class Chosen:
    """An AMI that will be validated, against the tests of the image as the workspace has it now."""

    workspace: Workspace
    environment: Environment
    segment: Segment
    version: Version


def choose(workspace: Workspace, environment: Environment, name: str) -> Chosen:
    """The AMI that a person means: by its id, or the newest of an image. Raises UsageError when there is none."""
    if name.startswith("ami-"):
        version = find(environment.account, name)
    else:
        workspace.image(name)
        found = versions(environment.account, image=name)
        if not found:
            raise UsageError(f"there is no AMI of '{name}' in {environment.region}", hint=f"ami build {name}")
        version = found[0]
    return Chosen(workspace, environment, segments(workspace, [version.image])[-1], version)


def revalidate(chosen: Chosen, listener: Listener, *, tell: Callable[[str], None], keep: bool = False) -> Summary:
    """Boot and test the AMI and tag the verdict. A failure becomes an outcome; only a bug raises."""
    identity = begin(chosen.workspace.root)
    stop, urgent = threading.Event(), threading.Event()
    version, name = chosen.version, chosen.version.image
    with recorded(identity.folder, listener) as heard, signals_set(stop, urgent, tell):
        making = Making(
            workspace=chosen.workspace,
            environment=chosen.environment,
            account=chosen.environment.account,
            identity=identity,
            listener=heard,
            keep=keep,
            stop=stop,
            urgent=urgent,
        )
        folder = identity.folder / name
        folder.mkdir()
        outcome = guarded(making, name, lambda: prove(making, chosen.segment, version.version, version.ami_id, folder))
    summary = Summary(identity.id, str(identity.folder), (outcome,), interrupted=stop.is_set())
    write_summary(identity.folder, summary)
    return summary
