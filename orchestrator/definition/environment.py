"""Where builds run: one Packer variable file, which Packer gets as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from orchestrator.aws import Account
from orchestrator.definition.frozen import Frozen
from orchestrator.definition.layer import VariableName


class Environment(Frozen):
    """The variables of `packer/environments/<name>.pkrvars.hcl`. An empty string means AWS's or Packer's own default.

    `extra_vars` reach Ansible as extra variables: mirrors and package addresses of that network.
    """

    name: str
    path: Path
    region: Annotated[str, Field(pattern=r"^[a-z]{2,}(-[a-z]+)+-[0-9]+$")]
    profile: str = ""
    endpoint: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    access_key: str = ""
    secret_key: str = ""
    instance_type: Annotated[str, Field(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$")] = "t3.small"
    vpc_id: Annotated[str, Field(pattern=r"^(vpc-[0-9a-f]+)?$")] = ""
    subnet_id: Annotated[str, Field(pattern=r"^(subnet-[0-9a-f]+)?$")] = ""
    iam_instance_profile: str = ""
    ssh_interface: Annotated[
        str, Field(pattern=r"^(public_ip|private_ip|public_dns|private_dns|session_manager)?$")
    ] = ""
    kms_key_id: str = ""
    extra_vars: dict[VariableName, str] = Field(default_factory=dict)

    @property
    def account(self) -> Account:
        """The account and region that the environment speaks of."""
        return Account(self.region, self.profile, self.endpoint, self.access_key, self.secret_key)
