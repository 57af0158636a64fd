"""docs/aws.md says of sources what the code knows, and what it shows can be written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from orchestrator.definition.environment import read_environment
from orchestrator.definition.known_owners import OWNERS, agentless
from orchestrator.definition.source import Source

if TYPE_CHECKING:
    from orchestrator.errors import Problem

PAGE = (Path(__file__).parents[2] / "docs/aws.md").read_text()


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    return str(found)


def test_the_table_has_each_known_owner() -> None:
    """Its system, its user, and whether its AMIs have the agent."""
    lines = re.findall(r"^\| ([\w ]+?) +\| `(\d{12})` +\| (yes|no)[^|]*\| `([\w-]+)` +\|", PAGE, flags=re.MULTILINE)
    assert {owner: (system, user, agent == "yes") for system, owner, agent, user in lines} == {
        owner: (known.system, known.user, known.agent) for owner, known in OWNERS.items()
    }


def test_the_sources_can_be_written_and_are_reached() -> None:
    sources = [
        Source.model_validate({"name": name, **each}) for name, each in yaml.safe_load(block("yaml"))["sources"].items()
    ]
    assert len(sources) == 4
    for source in sources:
        owner = source.filter.owner if source.filter else ""
        assert source.ssh_username == (OWNERS[owner].user if owner else "ec2-user")
        assert bool(agentless(source)) == source.bootstrap_agent


def test_the_addresses_can_be_written(tmp_path: Path) -> None:
    path, problems = tmp_path / "dev.pkrvars.hcl", list["Problem"]()
    path.write_text(f'region = "eu-central-1"\n{block("hcl")}')
    environment = read_environment(path, problems)
    assert problems == []
    assert environment is not None
    assert environment.extra_vars.keys() == {"ssm_agent_url", "ssm_agent_checksum"}
