"""A role that hardens the agent's unit: tests meet in the lab what they would meet on AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lab.small import Small

pytestmark = [pytest.mark.long(110), pytest.mark.thorough]

TASKS = """
- name: Make a folder for the agent's settings
  ansible.builtin.file:
    path: /etc/systemd/system/amazon-ssm-agent.service.d
    state: directory
    mode: "0755"

- name: Harden the agent
  ansible.builtin.copy:
    content: |
      [Service]
      UMask=0027
      PrivateTmp=yes
      ReadOnlyPaths=/opt
      LimitNOFILE=1000
    dest: /etc/systemd/system/amazon-ssm-agent.service.d/harden.conf
    mode: "0644"
"""
TESTS = '''
def test_umask(host):
    assert host.check_output("umask") == "0027"


def test_limit(host):
    assert host.check_output("ulimit -n") == "1000"


def test_private_tmp(host):
    assert host.check_output("stat -c %i /tmp") != host.check_output("stat -c %i /proc/1/root/tmp")


def test_opt_can_be_written(host):
    """It cannot."""
    assert host.run("touch /opt/mark").succeeded
'''


def test_image_when_a_role_hardens_the_agent(small: Small) -> None:
    """What the unit says holds for the tests; the one that fails for it names the unit and the setting."""
    small.write("roles/harden/tasks/main.yml", TASKS)
    small.write("roles/harden/tests/test_harden.py", TESTS)
    small.image("tiny", "light", "workload: {roles: [ssm_agent, harden]}")
    told = json.loads(small.ami("build", "tiny", "--yes", "--json", code=1))["images"][-1]
    assert told["status"] == "rejected"
    report = json.loads((small.last_run() / "tiny/report.json").read_text())
    failed = {test["nodeid"].partition("::")[2]: test["message"] for test in report["tests"] if test["message"]}
    assert list(failed) == ["test_opt_can_be_written"]
    blame = "commands run in the machine's unit amazon-ssm-agent, which has ReadOnlyPaths=/opt"
    assert blame in failed["test_opt_can_be_written"]
    assert blame in told["reason"]
