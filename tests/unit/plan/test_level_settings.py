"""Settings of a team count for the team's images, and for nothing that these stand on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.workspace import load
from orchestrator.plan.inputs import Collector
from orchestrator.plan.standing import StandingImage
from orchestrator.plan.tree import cut, tree
from tests.unit.plan.test_steps import version
from tests.unit.plan.test_weakening import written
from tests.unit.plan.weakenings import AMI, FACTORY, TEAM, own

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@pytest.mark.parametrize(
    "files",
    [
        {"ansible.cfg": "[defaults]\ninject_facts_as_vars = false\n"},
        {"ami.yml": f"{AMI}ansible: {{gather_subset: [all]}}\n"},
        own("own", 'extra_vars = { mirror = "http://m.example.com" }\n'),
        own("own", 'kms_key_id = "alias/team"\n'),
    ],
    ids=["ansible.cfg", "facts", "extra_vars", "key"],
)
def test_fingerprint_when_a_team_changes_its_settings(tmp_path: Path, files: Mapping[str, str]) -> None:
    written(tmp_path / "factory", FACTORY)
    team = written(tmp_path / "team", {**TEAM, **own("own", "")})

    def fingerprints() -> tuple[str, str]:
        workspace = load(team)
        collector = Collector(workspace, workspace.environment("own"), datetime(2026, 11, 25, tzinfo=UTC))
        standing = {"golden": StandingImage.of(version("golden"), None)}
        golden, web = cut(tree(workspace, ["web"], collector, {"debian-12": "ami-1"}, standing), collector, ())
        return golden.fingerprint, web.fingerprint

    golden, web = fingerprints()
    written(team, files)
    assert fingerprints()[0] == golden
    assert fingerprints()[1] != web
