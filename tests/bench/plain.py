"""The other side: images as a person builds them with Packer alone, each from the source AMI, nothing shared.

One template for each image: one source, and one stock Ansible provisioner for each playbook. Three things of it are not
stock:

- `use_proxy = false`, because Packer 1.6.6 does not build on any current Debian otherwise: its proxy offers an RSA host
  key with SHA-1 signatures, and today's ssh says "no matching host key type found. Their offer: ssh-rsa";
- a first provisioner that waits for cloud-init, which would hold apt's lock;
- `aws_polling` of a second, as ours has it in the lab: Packer's own 15 s would count for nothing but the lab.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.definition.levels.extended import BUILTIN_ROOT
from orchestrator.plan.planned_layer import seal_of
from orchestrator.plan.stack import outlines
from tests.bench.lab import REGION
from tests.bench.program import Command, environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.planned_layer import PlannedLayer
    from orchestrator.plan.segment import SegmentOutline
    from tests.bench.lab import Lab

#: Beginning of the names of AMIs that plain Packer makes.
PREFIX = "plain-"

_TEMPLATE = """\
source "amazon-ebs" "image" {
  region                      = @REGION
  access_key                  = "lab"
  secret_key                  = "lab-secret-key"
  custom_endpoint_ec2         = @ENDPOINT
  skip_region_validation      = true
  skip_credential_validation  = true
  skip_metadata_api_check     = true
  aws_polling {
    delay_seconds = 1
    max_attempts  = 3600
  }
  source_ami_filter {
    filters     = { name = @NAME, architecture = @ARCHITECTURE }
    owners      = [@OWNER]
    most_recent = true
  }
  instance_type        = @INSTANCE_TYPE
  ssh_username         = @USER
  ssh_interface        = "private_ip"
  ami_name             = @AMI_NAME
}

build {
  sources = ["source.amazon-ebs.image"]

  provisioner "shell" {
    inline           = ["cloud-init status --wait >/dev/null"]
    valid_exit_codes = [0, 2]
  }
@PROVISIONERS}
"""

_PROVISIONER = """
  provisioner "ansible" {
    playbook_file    = @PLAYBOOK
    user             = @USER
    use_proxy        = false
    ansible_env_vars = ["ANSIBLE_HOST_KEY_CHECKING=False", @ROLES]
    extra_arguments  = ["--extra-vars", jsonencode(@VARS)]
  }
"""


@dataclass(frozen=True)
class Plain:
    """Writes templates and the commands that build them."""

    lab: Lab
    workspace: Workspace
    folder: Path
    logs: Path

    def commands(self, names: Sequence[str]) -> list[Command]:
        """One `packer build` of the full stack of each image. Making the templates is not timed."""
        return [self._command(one) for one in outlines(self.workspace, names) if one.name in names]

    def _command(self, segment: SegmentOutline) -> Command:
        file = self.folder / "plain" / f"{segment.name}.pkr.hcl"
        file.parent.mkdir(exist_ok=True)
        file.write_text(self._template(segment))
        log = self.logs / f"plain-{segment.name}"
        return Command(["packer", "build", str(file)], self.workspace.root, log, environment())

    def _template(self, segment: SegmentOutline) -> str:
        source = segment.source
        if source.filter is None:
            raise AssertionError("the shipped images start from a filter")
        layers = (*segment.stack, seal_of(self.workspace))
        values = {
            "REGION": REGION,
            "ENDPOINT": self.lab.endpoint,
            "NAME": source.filter.name,
            "ARCHITECTURE": source.filter.architecture,
            "OWNER": source.filter.owner,
            "INSTANCE_TYPE": self.workspace.environment().instance_type,
            "USER": source.ssh_username,
            "AMI_NAME": f"{PREFIX}{segment.name}-{time.time_ns()}",
        }
        provisioners = "".join(self._provisioner(layer, source.ssh_username) for layer in layers)
        return _filled(_TEMPLATE, values).replace("@PROVISIONERS", provisioners)

    def _provisioner(self, layer: PlannedLayer, user: str) -> str:
        own = {"layer_name": layer.name, "layer_roles": list(layer.roles)}
        values = {
            "PLAYBOOK": str(layer.playbook),
            "USER": user,
            "ROLES": f"ANSIBLE_ROLES_PATH={self.workspace.root / 'roles'}:{BUILTIN_ROOT / 'roles'}",
            "VARS": {**layer.vars, **own, **self.workspace.environment().extra_vars},
        }
        return _filled(_PROVISIONER, values)


def _filled(template: str, values: dict[str, object]) -> str:
    """A template with JSON, which is also HCL, in the place of its words that begin with @; longest names first."""
    for name in sorted(values, key=len, reverse=True):
        template = template.replace(f"@{name}", json.dumps(values[name]))
    return template
