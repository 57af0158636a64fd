"""A workspace in a git repository, with what `ami ci` has to know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_AMI_YML = """\
name: factory
default_environment: lab
sources:
  debian-12: {filter: {name: "debian-12-amd64-*", owner: "136693071363"}, ssh_username: admin}
layers: [base]
"""
LAB = 'region = "us-east-1"\nendpoint = "http://127.0.0.1:4999"\n'
PROD = 'region = "eu-central-1"\n'


def made(repository: Path, folder: str = ".", **environments: str) -> Path:
    """The folder of a workspace with these environments, by their names."""
    (repository / ".git").mkdir(parents=True, exist_ok=True)
    root = repository / folder
    (root / "packer/environments").mkdir(parents=True)
    (root / "ami.yml").write_text(_AMI_YML)
    for name, text in environments.items():
        (root / f"packer/environments/{name}.pkrvars.hcl").write_text(text)
    return root
