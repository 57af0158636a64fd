"""What a template fetches with ansible-galaxy becomes the requirements of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from orchestrator.adopt.adoption import Adoption, adopt
from orchestrator.adopt.reading.template import read_template
from orchestrator.adopt.target import changes_of, problems_of_result, target_of, write
from tests.unit.adopt.conftest import OWNER, PROJECT

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = """
source "amazon-ebs" "site" {
  region        = "eu-central-1"
  instance_type = "t3.small"
  ami_name      = "site"
  ssh_username  = "admin"
  source_ami    = "ami-0123456789abcdef0"
}

build {
  sources = ["source.amazon-ebs.site"]

  provisioner "ansible" {
    playbook_file        = "site.yml"
    galaxy_file          = "galaxy.yml"
    roles_path           = "made/by/galaxy"
    galaxy_force_install = true
  }
}
"""
#: The roles of a collection come with it.
PLAYBOOK = "- hosts: all\n  roles: [acme.proxy, acme.net.edge, nowhere]\n"
REQUIREMENTS = """\
# Ours.
roles:
  - {name: acme.proxy, version: 1.0.0}
  - {name: vendored, src: ./vendored.tar.gz}
collections:
  - acme.net
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    folder = tmp_path / "template"
    folder.mkdir()
    for name, text in {"site.pkr.hcl": TEMPLATE, "site.yml": PLAYBOOK, "galaxy.yml": REQUIREMENTS}.items():
        (folder / name).write_text(text)
    (folder / "vendored.tar.gz").touch()
    return folder


def adopted(template: Path, to: Path) -> Adoption:
    target = target_of(to, PROJECT)
    adoption = adopt(
        read_template(template / "site.pkr.hcl", {}, ()), target.workspace, OWNER, requirements=target.requirements
    )
    write(changes_of(adoption, target, force=False), target)
    return adoption


def listed(adoption: Adoption) -> dict[str, str]:
    """What is not carried over of the provisioner, and why."""
    start = "build.provisioner.ansible."
    entries = [entry for entry in adoption.ledger.entries() if entry.what.startswith(start)]
    return {entry.what.removeprefix(start): entry.why for entry in entries}


def layer(workspace: Path) -> Any:
    return yaml.safe_load((workspace / "packer/images/site.yml").read_text())["layers"][0]["site"]


def test_it_is_copied_and_what_it_brings_is_not_missing(template: Path, tmp_path: Path) -> None:
    """What it names beside itself, and the role that it does not bring, are listed. `ami deps` is what comes next."""
    workspace = tmp_path / "workspace"
    adoption = adopted(template, workspace)
    assert (workspace / "requirements.yml").read_text() == REQUIREMENTS
    assert layer(workspace)["roles"] == ["acme.proxy", "acme.net.edge"]
    assert listed(adoption) == {
        "galaxy_file../vendored.tar.gz": "requirements.yml names './vendored.tar.gz', which is not in the workspace",
        "galaxy_force_install": "`ami deps` fetches roles and collections, and a build fetches none",
        "role nowhere": "the playbook's role 'nowhere' is neither beside it nor in a `roles_path`",
    }
    left = list(problems_of_result(target_of(workspace, PROJECT)))
    assert len(left) == 3
    assert str(left[0]).endswith("requirements.yml:3: role 'acme.proxy' is not in requirements.lock")


def test_the_requirements_of_a_workspace_are_not_written_over(template: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "ami.yml").write_text(f"name: mine\nextends: {PROJECT}\n")
    (workspace / "requirements.yml").write_text("[]\n")
    found = listed(adopted(template, workspace))
    assert found["galaxy_file"] == "the workspace has a requirements.yml that says something else"
    assert (workspace / "requirements.yml").read_text() == "[]\n"
    assert "role acme.proxy" in found


@pytest.mark.parametrize(
    ("text", "why"),
    [(None, "'galaxy.yml' is not there"), ("roles: [{nme: x}]\n", "galaxy.yml:1: unknown key 'nme' of a role")],
)
def test_one_that_cannot_be_taken_is_listed(template: Path, tmp_path: Path, text: str | None, why: str) -> None:
    (template / "galaxy.yml").unlink()
    if text is not None:
        (template / "galaxy.yml").write_text(text)
    (template / "made/by/galaxy").mkdir(parents=True)
    workspace = tmp_path / "workspace"
    assert why in listed(adopted(template, workspace))["galaxy_file"]
    assert not (workspace / "requirements.yml").exists()
