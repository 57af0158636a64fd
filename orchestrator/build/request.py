"""What is asked of a build, and what it answers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.aws.placement import Placement
from orchestrator.masks import masks_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.aws.account import Account
    from orchestrator.build.packer.installed import Ready


@dataclass(frozen=True)
class BuildRequest:
    """One Packer build of one image."""

    image: str
    version: str
    #: The run's id.
    run: str
    #: The rendered file.
    template: Path
    #: The variable file of the environment.
    var_file: Path
    #: That of this image in the run: logs stay there.
    folder: Path
    #: The folder that Packer runs in.
    workspace: Path
    account: Account
    #: With `source_owners` they pin the source AMI; empty: what the template says.
    source_filters: Mapping[str, str] = field(default_factory=dict)
    source_owners: tuple[str, ...] = ()
    #: Go onto the AMI, over the template's own.
    tags: Mapping[str, str] = field(default_factory=dict)
    #: The AMI gets it when the template gives it none.
    description: str = ""
    #: Where the machine may run; what it leaves open is as the variable file says.
    placement: Placement = field(default_factory=Placement)
    #: Whether spot capacity is tried in each place first. The template has a variable `spot_price` then.
    spot: bool = False
    #: More variables of the template.
    variables: Mapping[str, object] = field(default_factory=dict)
    #: Whether the workspace wants Mitogen.
    mitogen: bool = True
    #: What no log and no message may show, besides the account's keys.
    secrets: tuple[str, ...] = field(default=(), repr=False)
    #: The variables of each layer that hold secrets.
    secret_vars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    #: Go onto what is made on the way.
    run_tags: Mapping[str, str] = field(default_factory=dict)
    #: The Packer that builds, with its plugins; none: it is looked for when the build begins.
    ready: Ready | None = None
    #: Counts from 1.
    attempt: int = 1
    #: Once set, Packer is interrupted, and cleans up after itself.
    stop: threading.Event = field(default_factory=threading.Event)
    #: Once set, Packer is killed.
    urgent: threading.Event = field(default_factory=threading.Event)

    @property
    def masks(self) -> tuple[str, ...]:
        """What no log and no message may show."""
        return masks_of((*self.account.secrets, *self.secrets))

    @property
    def ami_name(self) -> str:
        """The name of the AMI to be. No two attempts share it: the AMI of one that failed may show itself later."""
        return self.ami_names[-1]

    @property
    def ami_names(self) -> tuple[str, ...]:
        """The names of this attempt's AMI and of those before it, the first attempt's first."""
        name = f"{self.image}-{self.version}"
        return (name, *(f"{name}-{number}" for number in range(2, self.attempt + 1)))


@dataclass(frozen=True)
class Built:
    """The AMI that a build made."""

    ami_id: str
    region: str
