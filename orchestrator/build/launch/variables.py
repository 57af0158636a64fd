"""The second variable file of a build: what the run decides, beside what the environment says."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.build.launch.outside import has_short_secret
from orchestrator.files.whole_file import write_whole
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from orchestrator.aws.capacity import Place
    from orchestrator.build.access import Access
    from orchestrator.build.request import BuildRequest


def run_variables(request: BuildRequest, access: Access, place: Place = ("", "")) -> dict[str, object]:
    """The variables that a rendered template declares for the run, ready for a `.pkrvars.json`.

    What `place` leaves open is as the environment's file says.
    """
    values: dict[str, object] = {
        "version": request.version,
        "ami_name": request.ami_name,
        "run": request.run,
        "workspace": str(request.workspace),
        "ansible_command": ansible_command(),
        "ssh_keypair_name": access.key_name,
        "ssh_private_key_file": str(access.key_file),
        "security_group_id": access.security_group,
        "run_tags": {Tag.AMI_NAME: request.ami_name, **request.run_tags},
        "ami_tags": {key: "" if key in late_tags(request) else value for key, value in request.tags.items()},
    }
    if has_short_secret(request.account):  # the environment of Packer has the keys then
        values |= {"access_key": "", "secret_key": ""}
    instance_type, subnet_id = place
    if instance_type:
        values |= {"instance_type": instance_type, "machine_type": instance_type}
    if subnet_id:
        values["subnet_id"] = subnet_id
    values |= request.variables
    if request.source_filters:
        values["source_filters"] = dict(request.source_filters)
    if request.source_owners:
        values["source_owners"] = list(request.source_owners)
    return values


def late_tags(request: BuildRequest) -> dict[str, str]:
    """The AMI tags that Packer cannot set: it renders a tag again and again until nothing changes, escapes included."""
    return {key: value for key, value in request.tags.items() if "{{" in value}


def write(path: Path, values: dict[str, object]) -> None:
    """Write a Packer variable file in JSON, in which HCL sees no expressions: `${...}` is text."""
    write_whole(path, json.dumps(values, indent=2, sort_keys=True) + "\n")


def ansible_command() -> str:
    """The path of our `ami-ansible-playbook`, which is installed beside the Python that runs this."""
    return str(Path(sysconfig.get_path("scripts")) / "ami-ansible-playbook")
