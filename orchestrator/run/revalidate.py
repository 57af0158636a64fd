"""Validate an AMI that exists: the second half of a build, by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.errors import DefinitionError, LackError, UsageError
from orchestrator.plan.standing import foreign
from orchestrator.progress import Event, Stage
from orchestrator.registry import find, versions
from orchestrator.registry.states import State, can_be_tested
from orchestrator.registry.version import AVAILABLE
from orchestrator.run.guard import guarded
from orchestrator.run.image import prove
from orchestrator.run.image_segment import segment_of
from orchestrator.run.machine.fitting import fitting_of
from orchestrator.run.outcome import SegmentOutcome, SegmentStatus
from orchestrator.run.run import run
from orchestrator.run.secret_vars import hide_vaulted
from orchestrator.run.source import resolve
from orchestrator.secret_values import Secrets
from orchestrator.validate.machine.connection import check
from orchestrator.validate.options import ALL, ConnectionKind, Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import Segment
    from orchestrator.progress import Listener
    from orchestrator.registry import Version
    from orchestrator.run.image import RunContext
    from orchestrator.run.leases.owner import LeaseOwner
    from orchestrator.run.outcome import Summary


@dataclass(frozen=True)
class Chosen:
    """An AMI that will be validated, against the tests of the image as the workspace has it now, and how."""

    workspace: Workspace
    environment: Environment
    segment: Segment
    version: Version
    secrets: Secrets
    connection: ConnectionKind = ConnectionKind.SSM
    selection: Selection = ALL


def choose(
    workspace: Workspace,
    environment: Environment,
    name: str,
    connection: ConnectionKind = ConnectionKind.SSM,
    selection: Selection = ALL,
) -> Chosen:
    """The AMI that a person means: by its id, or the newest of an image that EC2 can launch and that is not rejected.

    An image of which nothing better is there gives its newest rejected AMI.

    Raises UsageError when there is none, when it is disabled or revoked, or when the connection cannot be had there,
    and LackError when this machine lacks something for it.
    """
    check(connection, environment.account, environment.ssh_interface)
    if name.startswith("ami-"):
        version = find(environment.account, name)
    else:
        workspace.image(name)
        found = versions(environment.account, image=name)
        if not found:
            raise UsageError(f"there is no AMI of '{name}' in {environment.region}", hint=f"ami build {name}")
        there = [one for one in found if one.copy.availability == AVAILABLE]
        good = [one for one in there if one.state is not State.REJECTED]
        version = (good or there or found)[0]
    if not version.is_image:
        raise UsageError(f"{version.ami_id} carries layers that images share: it has no tests of its own")
    check_can_be_tested(version, selection)
    below = {image.name for image in foreign(workspace.home(version.image), [version.image])}
    secrets = Secrets(workspace, environment).of_images([version.image], below)  # what the tests print must be hidden
    segment = segment_of(workspace, environment, version.image, secrets)
    amis = {segment.source.name: version.ami_id if below else resolve(environment.account, segment.source).ami_id}
    segment = fitting_of(workspace, environment, [segment], amis).fitted(segment)
    hide_vaulted(secrets, [segment])
    return Chosen(workspace, environment, segment, version, secrets, connection, selection)


def check_can_be_tested(version: Version, selection: Selection) -> None:
    """Raise UsageError when EC2 does not launch the AMI, or its verdict could not be written in the end.

    Chosen tests write none: with them a revoked AMI can be examined.
    """
    if version.copy.availability == AVAILABLE and (selection.partial or can_be_tested(version.state)):
        return
    raise UsageError(
        f"{version.ami_id} is {version.state}, and cannot be validated again",
        hint=f"`ami build {version.image}` makes another AMI of the image",
    )


def revalidate(chosen: Chosen, listener: Listener, *, tell: Callable[[str], None], keep: bool = False) -> Summary:
    """Boot and test the AMI and tag the verdict, if all tests were to run. A failure becomes an outcome.

    Raises DefinitionError for tests that cannot be collected, and UsageError for a selection that pytest does not
    understand, or that no test fits, before anything is booted; and LackError: with one AMI there is nothing else that
    could still end well.
    """
    segment, version = chosen.segment, chosen.version
    built = SegmentOutcome(version.image, SegmentStatus.BUILT, version.ami_id, version.version)

    def work(context: RunContext) -> tuple[SegmentOutcome, ...]:
        context = replace(context, connection=chosen.connection, selection=chosen.selection)

        def tell_who(owner: LeaseOwner) -> None:
            context.listener(Event(version.image, Stage.WAIT, f"being tested by {owner}", run=owner.run))

        def proven() -> SegmentOutcome:
            if chosen.selection.partial:  # it tags nothing, and so it is in nobody's way
                return prove(context, segment, built)
            lease = f"validate/{version.ami_id}/{segment.tests}"
            with context.leases.hold(lease, stop=context.stop, lost=context.stop.set, waiting=tell_who):
                return prove(context, segment, built, build_seconds=version.took("build"))

        return (guarded(version.image, context.stop, proven, passing=(UsageError, DefinitionError, LackError)),)

    return run(chosen.secrets, listener, work, tell=tell, keep=keep)
