"""On which systems the shipped roles do anything at all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROLES = Path(__file__).parents[3] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir())
#: Each role has a host of its own, so that a refusal by one keeps no other from being tried.
PLAY = """
- hosts: all
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact:
        distribution: Ubuntu
        distribution_major_version: "24"
        os_family: Debian
        architecture: aarch64
        cacheable: true
    - ansible.builtin.include_role: {name: "{{ inventory_hostname }}"}
"""


def test_an_unknown_system_is_refused_before_the_first_change(tmp_path: Path) -> None:
    """Also one of a family that the role knows; the message names the file that is missing."""
    (tmp_path / "play.yml").write_text(PLAY)
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", f"{','.join(NAMES)},", tmp_path / "play.yml"],
        env={**os.environ, "ANSIBLE_ROLES_PATH": str(ROLES), "ANSIBLE_HOME": str(tmp_path), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    recap = re.findall(r"^(\w+) +: ok=\d+ +changed=(\d+) .* failed=(\d+)", done.stdout, re.MULTILINE)
    assert sorted(recap) == [(name, "0", "1") for name in NAMES], done.stdout
    told = set(re.findall(r'"msg": "(.*?)"', done.stdout))
    assert told == {
        f"This role does not know Ubuntu 24; what differs there belongs in {ROLES}/{name}/vars/Ubuntu.yml"
        for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("version", [12, 13])
def test_a_role_knows_both_releases_of_debian(name: str, version: int) -> None:
    places = [ROLES / name / "vars" / file for file in (f"Debian-{version}.yml", "Debian.yml")]
    assert any(place.exists() for place in places)
