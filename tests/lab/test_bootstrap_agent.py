"""The agent that Session Manager needs, brought to a machine whose AMI has none."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.lab.small import AMI_YML, NOTHING, TASKS, environment

if TYPE_CHECKING:
    from tests.lab.small import Small

pytestmark = pytest.mark.long(40)

#: The first task of the first role: the agent is there before Ansible could have installed it.
RUNS = """
- name: Look at the agent
  ansible.builtin.command: systemctl is-active amazon-ssm-agent.service
  changed_when: false
"""


def test_agent_when_the_source_has_none(small: Small) -> None:
    """Whatever reaches the machine, its agent runs when cloud-init is done, and the role leaves it as it is.

    The lab has no Session Manager. So the rendered file is built by hand, for another way that the lab has.
    """
    small.write("ami.yml", AMI_YML.replace("owner: self}", "owner: self}\n    bootstrap_agent: true"))
    small.write("roles/marker/tasks/main.yml", RUNS + TASKS)
    small.ami("render", "tiny", "--out", ".")
    file = small.root / "tiny.pkr.hcl"
    file.write_text(file.read_text().replace('== "session_manager" ?', '== "private_ip" ?'))
    done = subprocess.run(
        ["packer", "build", "-var-file=packer/environments/lab.pkrvars.hcl", "tiny.pkr.hcl"],
        cwd=small.root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert small.left_over() == NOTHING
