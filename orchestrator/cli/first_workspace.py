"""The files of a first workspace: one image with one role and its test, on what another workspace has.

docs/tutorial.md shows them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import orchestrator
from orchestrator.cli.completion import definitions
from orchestrator.errors import LackError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE = "ami.yml"
#: As `definition.image.ImageName`, and short enough to be a layer's name and a workspace's.
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40

_AMI_YML = """\
---
name: {name}
extends: {extends}
default_environment: lab

layers:
  - app
"""
_IMAGE = """\
---
name: {name}
description: What {name} runs on
owner: {{team: {name}, email: {name}@example.com}}
from: {start}
layers:
  - app: {{roles: [{role}]}}
"""
_ENVIRONMENT = """\
# The local AWS of `ami lab up`. An account of yours is another file beside this one.
region               = "us-east-1"
endpoint             = "http://127.0.0.1:4999"
access_key           = "lab"
secret_key           = "lab-secret-key"
instance_type        = "t3.small"
iam_instance_profile = "ami-lab"
ssh_interface        = "private_ip"
artifact_bucket      = "ami-lab-artifacts"

extra_vars = {
  ssm_agent_url = "http://169.254.169.254/ami-lab/amazon-ssm-agent.deb"
}
"""
_TASKS = """\
---
- name: Say hello
  ansible.builtin.copy:
    content: "Hello from {name}\\n"
    dest: /etc/{name}
    mode: "0644"
"""
_TESTS = '''\
def test_hello(host):
    """The greeting is there."""
    assert host.file("/etc/{name}").content_string == "Hello from {name}\\n"
'''


def name_of(folder: Path) -> str:
    """The name that a workspace in a folder gets, and its image. Raises UsageError when the folder's is no name."""
    name = folder.resolve().name
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        hint = f"lower-case letters, digits and single hyphens, {_LONGEST} at most, as in: ami init hello"
        raise UsageError(f"'{name}' cannot be the name of an image", hint=hint)
    return name


def factory() -> Path:
    """The workspace that this `ami` comes with. Raises LackError when it was installed without it."""
    root = Path(orchestrator.__file__).parents[1]
    if not (root / _FILE).is_file():
        raise LackError("this ami was installed without a workspace to extend", hint="name one: --extends DIR")
    return root


def files_of(folder: Path, extends: Path, start: str) -> Mapping[str, str]:
    """The files of a workspace that is to be in `folder`, by their paths in it; `ami.yml`, which makes it one, last.

    Its image starts from `start`, an image or a source of the workspace `extends`. Raises UsageError when that is no
    workspace, or has an image or a role of this name.
    """
    if not (extends / _FILE).is_file():
        what = f"{extends} is no workspace: it has no {_FILE}"
        raise UsageError(what, hint="name a folder that has one: --extends DIR")
    name = name_of(folder)
    role = name.replace("-", "_")
    roots = definitions.roots_above(extends)
    for kind, taken, own in (("an image", definitions.images(roots), name), ("a role", definitions.roles(roots), role)):
        if own in taken:
            raise UsageError(f"{extends} has {kind} '{own}' already", hint="choose another name for the folder")
    way = os.path.relpath(extends.resolve(), folder.resolve())
    return {
        f"packer/images/{name}.yml": _IMAGE.format(name=name, role=role, start=start),
        "packer/environments/lab.pkrvars.hcl": _ENVIRONMENT,
        f"roles/{role}/tasks/main.yml": _TASKS.format(name=name),
        f"roles/{role}/tests/test_{role}.py": _TESTS.format(name=name),
        _FILE: _AMI_YML.format(name=name, extends=way if re.fullmatch(r"[\w./-]+", way) else f'"{_quoted(way)}"'),
    }


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
