"""Sources without the SSM agent, where Session Manager is the way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.environment import Environment
from orchestrator.definition.known_owners import agentless
from orchestrator.definition.source import Source
from orchestrator.definition.workspace import load
from orchestrator.errors import DefinitionError
from orchestrator.plan.inputs import Inputs
from orchestrator.plan.segment import Segment
from orchestrator.plan.stack import outlines
from orchestrator.run.machine.agents import check_agents, user_data_for_agent
from tests.unit.plan.conftest import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.definition.workspace import Workspace

BRINGS = "    bootstrap_agent: true\n"


Given = tuple["Workspace", Environment, list[Segment]]


def given(root: Path, ami: str, interface: str) -> Given:
    """The shipped workspace with another ami.yml, an environment, and the build of golden."""
    for name in ("packer", "playbooks", "roles"):
        (root / name).symlink_to(PROJECT / name)
    (root / "boot.sh").write_text("#!/bin/sh\n")
    (root / "ami.yml").write_text(ami)
    workspace = load(root)
    environment = Environment.model_validate(
        {"name": "dev", "path": root / "dev.pkrvars.hcl", "region": "eu-west-1", "ssh_interface": interface}
    )
    (outline,) = outlines(workspace, ["golden"])
    return workspace, environment, [Segment(**vars(outline), inputs=Inputs("agents", ()))]


def test_a_source_without_an_agent_is_told_before_anything_is_launched(tmp_path: Path) -> None:
    """With the line of the source, and what to write there."""
    ami = (PROJECT / "ami.yml").read_text()
    with pytest.raises(DefinitionError) as refused:
        check_agents(*given(tmp_path, ami.replace(BRINGS, ""), "session_manager"))
    (problem,) = refused.value.problems
    assert ami.replace(BRINGS, "").splitlines()[problem.line - 1] == "  debian-12:"
    assert "AMIs of Debian have no SSM agent" in problem.what
    assert "add 'bootstrap_agent: true'" in problem.what


def test_the_shipped_sources_are_reached_by_session_manager(tmp_path: Path) -> None:
    check_agents(*given(tmp_path, (PROJECT / "ami.yml").read_text(), "session_manager"))


def test_other_ways_need_no_agent(tmp_path: Path) -> None:
    check_agents(*given(tmp_path, (PROJECT / "ami.yml").read_text().replace(BRINGS, ""), "private_ip"))


@pytest.mark.parametrize("interface", ["session_manager", "private_ip"])
def test_user_data_takes_the_place_of_the_agents(tmp_path: Path, interface: str) -> None:
    """It may install the agent, too: a warning, at its line."""
    ami = (PROJECT / "ami.yml").read_text() + "machine:\n  user_data: boot.sh\n"
    parts = given(tmp_path, ami, interface)
    check_agents(*parts)
    warned = user_data_for_agent(*parts)
    assert [ami.splitlines()[one.line - 1] for one in warned] == ["  user_data: boot.sh"] * (interface != "private_ip")


@pytest.mark.parametrize(
    ("owner", "name", "system"),
    [
        ("136693071363", "debian-12-*", "Debian"),
        ("099720109477", "ubuntu/images/*", ""),
        ("099720109477", "ubuntu-minimal/images/*", ""),
        ("137112412989", "al2023-ami-2023*", ""),
        ("137112412989", "al2023-ami-minimal-*", "Amazon Linux"),
        ("309956199498", "RHEL-9*", "RHEL"),
        ("111122223333", "anything", ""),
    ],
)
def test_an_ami_is_known_by_its_owner(owner: str, name: str, system: str) -> None:
    """Nothing is said of owners that nobody knows."""
    source = Source.model_validate({"name": "x", "filter": {"name": name, "owner": owner}, "ssh_username": "u"})
    assert agentless(source) == system
