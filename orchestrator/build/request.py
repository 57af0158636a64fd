"""What is asked of a build, and what it answers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.masks import masks_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.aws.account import Account
    from orchestrator.aws.capacity import Place
    from orchestrator.build.packer.installed import Ready


@dataclass(frozen=True)
class BuildRequest:
    """One Packer build of one image.

    `template` is the rendered file, `var_file` the environment's, `folder` the folder of this image in the run (logs
    stay there), `workspace` the folder that Packer runs in. `source_filters` and `source_owners` pin the source AMI
    (empty: what the template says), `tags` go onto the AMI over the template's own. `vpc_id` and `subnet_id` are the
    environment's. `run_tags` go onto what is made on the way. `mitogen` is whether the workspace wants it. `secrets`
    are what no log and no message may show besides the account's keys, `secret_vars` the variables of each layer that
    hold some. `places` are (instance type, subnet id) pairs that are tried in turn when EC2 has no room; none: what the
    variable file says. `ready` is the Packer that builds, with its plugins; none: it is looked for when the build
    begins. `attempt` counts from 1. Setting `stop` interrupts Packer, which cleans up after itself; setting `urgent`
    kills it.
    """

    image: str
    version: str
    run: str
    template: Path
    var_file: Path
    folder: Path
    workspace: Path
    account: Account
    source_filters: Mapping[str, str] = field(default_factory=dict)
    source_owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    vpc_id: str = ""
    subnet_id: str = ""
    mitogen: bool = True
    secrets: tuple[str, ...] = field(default=(), repr=False)
    secret_vars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    places: tuple[Place, ...] = ()
    run_tags: Mapping[str, str] = field(default_factory=dict)
    ready: Ready | None = None
    attempt: int = 1
    stop: threading.Event = field(default_factory=threading.Event)
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
