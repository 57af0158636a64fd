"""A shell on a machine that runs, or on one that is launched from an AMI for it and terminated afterwards.

The launch is a run like any other: it has a folder, a lease and tags, so that the sweep finds what it left when it was
killed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import LackError, UsageError
from orchestrator.registry import find, versions
from orchestrator.registry.version import AVAILABLE
from orchestrator.run.evidence.evidence_store import store_of
from orchestrator.run.evidence.put import put_evidence
from orchestrator.run.outcome import Summary
from orchestrator.run.session.session import session
from orchestrator.run.shell.shell_machine import machine, ssh_command
from orchestrator.run.shell.shell_way import ShellWay, check, way_to
from orchestrator.tags import Tag
from orchestrator.validate.machine.boot import Boot
from orchestrator.validate.options import ConnectionKind
from orchestrator.validate.request import ImageFacts, ValidateRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.progress import Listener
    from orchestrator.registry import Version
    from orchestrator.run.session.session import RunSession


@dataclass(frozen=True)
class ShellWish:
    """Where a person wants a shell, or a command to run: `name` is an image, an AMI id or an instance id."""

    workspace: Workspace
    environment: Environment
    name: str
    command: tuple[str, ...] = ()
    connection: ConnectionKind | None = None
    #: The machine that was launched stays.
    keep: bool = False

    @property
    def on_instance(self) -> bool:
        """Whether the machine is there already."""
        return self.name.startswith("i-")

    @property
    def way(self) -> ConnectionKind:
        """How a machine that is launched will be reached."""
        return way_to(self.environment.account, self.connection)


def open_on_instance(wish: ShellWish) -> int:
    """A shell on an instance of the factory: its exit code. Raises UsageError for any other instance."""
    account = wish.environment.account
    wanted = machine(account, wish.name)
    ssh = ssh_command(wish.workspace.root, wanted)
    kind = way_to(account, wish.connection or (ConnectionKind.SSH if ssh else None))
    if kind is ConnectionKind.SSH and not ssh:
        what = f"no key of {wish.name} is known in {wish.workspace.root}"
        raise LackError(what, hint="a machine has one that was kept over SSH: `ami validate --connection ssh --keep`")
    check(kind, wish.name, wish.command)
    return ShellWay(account, wanted.instance_id, kind, ssh).open(wish.command)


def version_of(wish: ShellWish) -> Version:
    """The AMI that is meant: of an image the newest that EC2 can launch, whatever its state. Raises UsageError."""
    account = wish.environment.account
    if wish.name.startswith("ami-"):
        version = find(account, wish.name)
        if version.copy.availability != AVAILABLE:
            raise UsageError(f"{wish.name} is {version.copy.availability}: EC2 does not launch it")
        return version
    image = wish.workspace.image(wish.name).name
    found = [one for one in versions(account, image=image) if one.copy.availability == AVAILABLE]
    if not found:
        raise UsageError(f"there is no AMI of '{image}' in {account.region}", hint=f"ami build {image}")
    return found[0]


def open_on_ami(wish: ShellWish, version: Version, listener: Listener, *, tell: Callable[[str], None]) -> int:
    """Launch an AMI, open a shell on the machine, and terminate it: the shell's exit code.

    Raises LackError and UsageError before anything is launched, ValidationErrors when the machine cannot be reached,
    and Interrupted.
    """
    began, environment = time.monotonic(), wish.environment
    check(wish.way, wish.name, wish.command)
    with session(
        wish.workspace.root,
        environment.account,
        environment.artifact_bucket,
        listener,
        tell=tell,
        environment=environment.name,
    ) as begun:
        code, kept = _on_machine(wish, version, begun)
    identity, seconds = begun.identity, time.monotonic() - began
    ended = Summary(identity.id, str(identity.folder), (), interrupted=begun.stop.is_set(), seconds=seconds)
    opened = {"image": version.image, "ami_id": version.ami_id, "exit_code": code, "reached_by": kept or None}
    begun.conclude({**ended.as_json(), "shell": opened})
    put_evidence(store_of(environment), identity.folder, tell)
    return code


def _on_machine(wish: ShellWish, version: Version, begun: RunSession) -> tuple[int, str]:
    """The shell's exit code, and what opens another one when the machine stays."""
    request = _request(wish, version, begun)
    with Boot(request, begun.listener).machine() as booted:
        way_in = booted.way_in
        code = ShellWay(request.account, booted.instance_id, request.connection, way_in).open(wish.command)
    return code, way_in if wish.keep else ""


def _request(wish: ShellWish, version: Version, begun: RunSession) -> ValidateRequest:
    """What is launched: as a validation launches it, without tests."""
    environment = wish.environment
    source = wish.workspace.sources.get(version.tags.get(Tag.SOURCE, ""))
    leased: dict[str, str] = {Tag.LEASE: environment.artifact_bucket} if environment.artifact_bucket else {}
    return ValidateRequest(
        account=environment.account,
        ami_id=version.ami_id,
        image=ImageFacts(version.image, version.version, version.layers, ()),
        tests=(),
        run=begun.identity.id,
        folder=begun.identity.folder,
        placement=environment.placement,
        tags={Tag.DISPLAY_NAME: f"ami shell {version.image}", **leased},
        masks=environment.account.secrets,
        keep=wish.keep,
        stop=begun.stop,
        connection=wish.way,
        ssh_username=source.ssh_username if source else "",
    )
