"""What the lab's stand-in does where the real agent is special is held against a real one, when there is one.

`AMI_TEST_AGENT=FILE` names its package (a .deb); without it, these tests are skipped. Not held: what depends on when an
agent acknowledges a command, and the form of its log.
"""

from __future__ import annotations

import os

import pytest

from tests.lab.test_agent_contract import (
    harden,
    node,
    run,
    test_a_restart_in_the_middle_changes_nothing,
    test_a_script_runs_in_the_agents_unit,
    test_a_script_whose_shell_is_killed_fails_without_a_code,
    test_a_working_directory_that_is_not_there_fails,
    test_files_of_a_command_are_roots_alone,
    test_what_a_drop_in_says_applies_to_a_script,
)
from tests.lab.test_run_command_by_agent import agent_lab, client, shared_bench, ssm
from tests.lab.test_run_command_lab import test_a_node_whose_agent_stops_is_lost_until_it_runs_again

__all__ = [
    "agent_lab",
    "client",
    "harden",
    "node",
    "run",
    "shared_bench",
    "ssm",
    "test_a_node_whose_agent_stops_is_lost_until_it_runs_again",
    "test_a_restart_in_the_middle_changes_nothing",
    "test_a_script_runs_in_the_agents_unit",
    "test_a_script_whose_shell_is_killed_fails_without_a_code",
    "test_a_working_directory_that_is_not_there_fails",
    "test_files_of_a_command_are_roots_alone",
    "test_what_a_drop_in_says_applies_to_a_script",
]

pytestmark = [
    pytest.mark.long(300),
    pytest.mark.skipif("AMI_TEST_AGENT" not in os.environ, reason="AMI_TEST_AGENT names no package of a real agent"),
]
