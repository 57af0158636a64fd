"""What is to be set up for an environment: names, who may come, and what of AWS its images use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.bootstrap.permission import PolicyUse
from orchestrator.definition.secret import Store, parse, references_in
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestrator.bootstrap.trust import PipelineTrust
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.machine.block import Machine
    from orchestrator.definition.secret import Reference
    from orchestrator.definition.workspace import Workspace

#: Roles are named `ami-ENV-team-TEAM`, in 64 characters (IAM API Reference, CreateRole).
_LONGEST_ROLE = 64
_TEAM = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True)
class BootstrapOrder:
    """All that the template depends on."""

    environment: str
    region: str
    regions: tuple[str, ...] = ()
    """The others that images are in."""
    bucket: str = ""
    """Its name; empty: one of the account's own is made up."""
    profile: str = ""
    key: str = ""
    """The environment's key for AMIs: an alias (`alias/images`), or the id or ARN of a key that is there already."""
    more_keys: tuple[str, ...] = ()
    """Ids and ARNs of keys that machine blocks name besides."""
    uses: frozenset[PolicyUse] = frozenset()
    secrets: tuple[Reference, ...] = ()
    source_parameters: tuple[str, ...] = ()
    trust: PipelineTrust | None = None
    provider: str = ""
    """The ARN of a provider that the account has already for the pipelines; empty: it is made."""
    teams: Mapping[str, PipelineTrust | None] | None = None
    """The teams that build on images of the factory, each with its own repository."""
    removable: bool = False
    """Whether the bucket and the key go with the stack."""

    @property
    def stack(self) -> str:
        """The name of its stack, and the beginning of the names of its roles."""
        return f"ami-{self.environment}"

    @property
    def profile_name(self) -> str:
        """The name of the instance profile and its role."""
        return self.profile or f"{self.stack}-machine"

    def role(self, name: str) -> str:
        """The name of a role."""
        return f"{self.stack}-{name}"

    def check(self) -> None:
        """Raise UsageError for names that AWS does not take."""
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", self.environment):
            what = f"the environment's name '{self.environment}' cannot be part of the name of a stack"
            raise UsageError(what, hint="name it with letters, digits and hyphens")
        for each in (self.trust, *(self.teams or {}).values()):
            if each is not None:
                each.check()
        for team in self.teams or {}:
            if not _TEAM.fullmatch(team) or len(self.role(f"team-{team}")) > _LONGEST_ROLE:
                raise UsageError(f"'{team}' cannot be part of a role's name", hint="small letters, digits and hyphens")


def order_of(workspace: Workspace, environment: Environment) -> BootstrapOrder:
    """What the files say; who may come is added to it."""
    machines = tuple(_machines(workspace))
    secrets = set(_secrets(workspace, environment))
    keys = {each.encryption.kms_key for each in machines if each.encryption and each.encryption.kms_key}
    return BootstrapOrder(
        environment.name,
        environment.region,
        environment.regions,
        environment.artifact_bucket,
        environment.iam_instance_profile,
        environment.kms_key_id,
        tuple(sorted(keys - {environment.kms_key_id})),
        frozenset(_uses(environment, machines)) | ({PolicyUse.SECRETS} if secrets else set()),
        tuple(sorted(each for each in secrets if each.store is not Store.ENV)),
        tuple(sorted({each.ssm_parameter for each in workspace.sources.values() if each.ssm_parameter})),
    )


def _machines(workspace: Workspace) -> Iterator[Machine]:
    yield workspace.machine
    yield from (each.machine for each in workspace.layers.values())
    yield from (each.machine for each in workspace.images.values())


def _uses(environment: Environment, machines: Iterable[Machine]) -> Iterator[PolicyUse]:
    blocks = tuple(machines)
    if environment.kms_key_id or any(each.encryption for each in blocks):
        yield PolicyUse.ENCRYPTION
    if any(each.spot for each in blocks):
        yield PolicyUse.SPOT
    if environment.ssh_interface == "session_manager":
        yield PolicyUse.SESSIONS


def _secrets(workspace: Workspace, environment: Environment) -> Iterator[Reference]:
    """Where the values are that builds read."""
    written = [parse(each) for each in environment.secret_vars.values()]
    for layer in workspace.layers.values():
        written += references_in(dict(layer.vars))
    for image in workspace.images.values():
        for use in image.layers:
            written += references_in(dict(use.vars))
    yield from written
