"""A workspace of many images, as a large organisation has them: families of stacks, each with its own golden image."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: One family has a golden image and this many workloads on it, which share this many runtimes.
FAMILY, RUNTIMES = 50, 5
#: Roles of the workload layer, and of all others together.
APPS, AGENTS = 20, 4

_AMI = """\
name: generated
default_environment: lab
sources:
  debian-12:
    filter: {name: "debian-12-amd64-*", owner: "136693071363"}
    ssh_username: admin
layers:
  - base: {roles: [system]}
  - hardening: {roles: [limits, access], protected: true}
  - agents: {roles: [agent_0, agent_1, agent_2, agent_3], protected: true}
  - runtime
  - workload
"""
_HEAD = """\
# yaml-language-server: $schema=../../docs/schema/image.schema.json
---
name: {name}
description: {description}
owner: {{team: team-{team}, email: team-{team}@example.com}}
from: {start}
"""
_GOLDEN = """\
layers:
  - base: {{vars: {{system_family: family-{family}}}}}
  - hardening
  - agents
"""
_WORKLOAD = """\
layers:
  - runtime: {{roles: [runtime], vars: {{runtime_version: "{version}"}}}}
  - workload:
      roles: [app_{app}]
      vars: {{app_{app}_port: {port}, app_{app}_title: "image {place}"}}
"""
_TASKS = "- name: Task {place}\n  ansible.builtin.command: 'true'\n  changed_when: false\n"


def write(root: Path, count: int, endpoint: str) -> None:
    """Write a workspace of `count` images."""
    (root / "packer/images").mkdir(parents=True)
    (root / "packer/environments").mkdir()
    (root / "ami.yml").write_text(_AMI)
    environment = f'region = "us-east-1"\nendpoint = "{endpoint}"\naccess_key = "lab"\nsecret_key = "lab"\n'
    environment += 'iam_instance_profile = "ami-lab"\n'
    (root / "packer/environments/lab.pkrvars.hcl").write_text(environment)
    roles = {"system": ["system_family"], "limits": [], "access": [], "runtime": ["runtime_version"]}
    roles |= {f"agent_{place}": [] for place in range(AGENTS)}
    roles |= {f"app_{place}": [f"app_{place}_port", f"app_{place}_title"] for place in range(APPS)}
    for name, variables in roles.items():
        _role(root / "roles" / name, variables)
    for place in range(count):
        name = f"image-{place:05}" if place % FAMILY else f"golden-{place // FAMILY:03}"
        (root / f"packer/images/{name}.yml").write_text(_image(name, place))


def _image(name: str, place: int) -> str:
    """The first of each family is its golden image, and the others stand on it."""
    family, member = divmod(place, FAMILY)
    start = f"golden-{family:03}" if member else "debian-12"
    head = _HEAD.format(name=name, description=f"Image {place} of many", team=place % 40, start=start)
    if not member:
        return head + _GOLDEN.format(family=family)
    version = f"{member % RUNTIMES}.0"
    return head + _WORKLOAD.format(version=version, app=member % APPS, port=8000 + place, place=place)


def _role(folder: Path, variables: list[str]) -> None:
    """A role of a usual size: tasks by topic, a handler, templates, a test."""
    options = "".join(f"      {name}: {{type: str}}\n" for name in variables) or "      {}\n"
    files = {
        "meta/main.yml": "dependencies: []\n",
        "meta/argument_specs.yml": f"argument_specs:\n  main:\n    options:\n{options}",
        "handlers/main.yml": _TASKS.format(place=0),
        f"tests/test_{folder.name}.py": "def test_nothing(host):\n    assert host\n",
        **{f"tasks/{name}.yml": "".join(_TASKS.format(place=n) for n in range(5)) for name in ("main", "files", "run")},
        **{f"templates/etc/{name}.j2": "setting = {{ value }}\n" * 20 for name in ("one", "two", "three")},
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
