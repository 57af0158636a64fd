"""Small workspaces, written file by file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.workspace import load
from orchestrator.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AMI = """\
name: factory
default_environment: lab
sources:
  debian-12:
    filter: {name: "debian-12-amd64-*", owner: "136693071363"}
    ssh_username: admin
layers:
  - base: {roles: [system], protected: true}
  - agents: {roles: [agent]}
  - workload
"""

GOLDEN = """\
name: golden
description: the base of all
owner: {team: platform, email: platform@example.com}
from: debian-12
layers: [base, agents]
"""

WEB = """\
name: web
description: nginx for the portal
owner: {team: portal, email: portal@example.com}
from: golden
layers:
  - workload:
      roles: [nginx]
      vars: {nginx_workers: 2}
"""

SPECS = "argument_specs: {main: {options: {%s: {type: str}}}}\n"

#: A workspace without mistakes.
FILES = {
    "ami.yml": AMI,
    "packer/images/golden.yml": GOLDEN,
    "packer/images/web.yml": WEB,
    "packer/environments/lab.pkrvars.hcl": 'region = "us-east-1"\n',
    "playbooks/base.yml": "[]\n",
    "playbooks/agents.yml": "[]\n",
    "playbooks/workload.yml": "[]\n",
    "playbooks/seal.yml": "[]\n",
    "roles/system/tasks/main.yml": "[]\n",
    "roles/agent/tasks/main.yml": "[]\n",
    "roles/seal/tasks/main.yml": "[]\n",
    "roles/nginx/meta/argument_specs.yml": SPECS % "nginx_workers",
    "roles/nginx/meta/main.yml": "dependencies: [tls]\n",
    "roles/tls/meta/argument_specs.yml": SPECS % "tls_versions",
}


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Writes the workspace without mistakes, changed by the files given (None removes one); returns its folder."""

    def write(changes: dict[str, str | bytes | None] | None = None, *, folder: str = "w", whole: bool = True) -> Path:
        root = tmp_path / folder
        for name, content in ((FILES if whole else {}) | (changes or {})).items():
            if content is None:
                continue
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return write


@pytest.fixture
def mistakes(project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The problems of the workspace with some files changed, as a person reads them in its folder."""

    def report(changes: dict[str, str | bytes | None], *, folder: str = "w", whole: bool = True) -> list[str]:
        root = project(changes, folder=folder, whole=whole)
        monkeypatch.chdir(root)
        try:
            load(root)
        except DefinitionError as error:
            return str(error).splitlines()
        return []

    return report
