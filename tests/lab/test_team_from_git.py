"""A team's workspace in a repository of its own, which extends a factory at a tag, by a git URL."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.lab.small import NOTHING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.small import Small

pytestmark = pytest.mark.long(90)

AMI_YML = """
name: team
extends: {{git: "file://{factory}", ref: v1.4.0}}
default_environment: lab
layers: [app]
"""


def git(folder: Path, *arguments: str) -> None:
    names = ["-c", "user.name=tests", "-c", "user.email=tests@example.com"]
    subprocess.run(["git", "-C", folder, *names, *arguments], check=True, capture_output=True)


@pytest.fixture
def factory(small: Small, monkeypatch: pytest.MonkeyPatch) -> Small:
    """The small workspace in a repository, with a tag."""
    monkeypatch.setenv("XDG_CACHE_HOME", f"{small.root}-cache")
    small.write(".gitignore", "/.ami/\n")
    git(small.root, "init", "--quiet")
    git(small.root, "add", ".")
    git(small.root, "commit", "--quiet", "-m", "A factory")
    git(small.root, "tag", "v1.4.0")
    return small


@pytest.fixture
def team(factory: Small) -> Small:
    """A team's workspace: its image `top` on the factory's `tiny`, and much that has the names of the factory's."""
    made = replace(factory, root=factory.root.with_name(f"{factory.root.name}-team"))
    made.write("ami.yml", AMI_YML.format(factory=factory.root))
    environment = "packer/environments/lab.pkrvars.hcl"
    made.write(environment, (factory.root / environment).read_text())
    made.image("top", "tiny", "app: {roles: [marker]}")
    made.role("marker", "ours")
    made.write("playbooks/base.yml", "- hosts: all\n  tasks:\n    - ansible.builtin.fail:\n")
    made.write("ansible.cfg", "[defaults]\nhash_behaviour = merge\n")
    return made


def test_build_when_a_team_extends_a_repository(factory: Small, team: Small) -> None:
    """The team's image is built on the AMI that the factory built, which is as good as built for the team: from the
    cache alone, once it is filled. The tag that moved meanwhile changes nothing.
    """
    factory.ami("build", "--yes", "tiny")
    golden = factory.listed()["tiny"]
    team.ami("plan", code=2)  # it is not locked
    team.ami("update", "--yes")
    factory.write("roles/marker/tasks/main.yml", "[]\n")
    git(factory.root, "commit", "--quiet", "--all", "-m", "Leave no mark")
    git(factory.root, "tag", "--force", "v1.4.0")
    assert factory.planned() == {"tiny": "build"}

    shutil.move(factory.root / ".git", f"{factory.root}-gone")
    team.ami("build", "--yes")
    top = team.listed()["top"]
    assert (top["state"], top["parent_ami_id"]) == ("validated", golden["ami_id"])
    assert team.planned()["top"] == "reuse"
    assert team.left_over() == NOTHING
