"""The second variable file of a build: what the run decides, beside what the environment says."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.build.access import Access
    from orchestrator.build.request import BuildRequest


def run_variables(request: BuildRequest, access: Access | None) -> dict[str, object]:
    """The variables that a rendered template declares for the run, ready for a `.pkrvars.json`.

    Packer takes strings of a JSON variable file literally, and then runs its own templates over whatever reaches a
    builder: hence `text`.
    """
    values: dict[str, object] = {
        "version": text(request.version),
        "run": text(request.run),
        "workspace": text(str(request.workspace)),
        "ansible_command": text(ansible_command()),
        "ami_tags": {text(key): text(value) for key, value in request.tags.items()},
    }
    if request.source_filters:
        values["source_filters"] = {key: text(value) for key, value in request.source_filters.items()}
    if request.source_owners:
        values["source_owners"] = [text(owner) for owner in request.source_owners]
    if access is not None:
        values["ssh_keypair_name"] = text(access.key_name)
        values["ssh_private_key_file"] = text(str(access.key_file))
        values["security_group_id"] = text(access.security_group)
    return values


def write(path: Path, values: dict[str, object]) -> None:
    """Write a Packer variable file in JSON."""
    path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def text(value: str) -> str:
    """`value` so that Packer's template engine leaves it as it is."""
    return value.replace("{{", '{{ "{{" }}')


def ansible_command() -> str:
    """The path of our `ami-ansible-playbook`, which is installed beside the Python that runs this."""
    return str(Path(sysconfig.get_path("scripts")) / "ami-ansible-playbook")
