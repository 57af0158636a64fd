"""Which level each test of an image belongs to, and what tests of protected roles are told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.definition.workspace import load
from orchestrator.plan.inputs import Collector
from orchestrator.plan.tree import cut, tree
from orchestrator.run import tests as role_tests
from tests.unit.plan.test_weakening import AMIS, written
from tests.unit.plan.weakenings import FACTORY, TEAM

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import Segment


def web_of(workspace: Workspace) -> Segment:
    collector = Collector(workspace, workspace.environment("lab"), datetime(2026, 11, 25, tzinfo=UTC))
    segments = cut(tree(workspace, ["web"], collector, AMIS), collector, ())
    return next(segment for segment in segments if segment.name == "web")


def test_tests_of_when_a_team_has_tests_for_roles_of_what_it_extends(tmp_path: Path) -> None:
    """They are those of the level that has the file, also where that lies within the folder of another."""
    factory = written(tmp_path / "team/vendor/factory", FACTORY)
    more = {
        "ami.yml": "name: team\nextends: vendor/factory\n",
        "tests/roles/system/test_system.py": "def test_nothing(): pass\n",
        "tests/roles/nginx/test_more.py": "def test_more(): pass\n",
    }
    team = written(tmp_path / "team", {**TEAM, **more})
    workspace = load(team)
    assert [(one.role, one.folder, one.level) for one in role_tests.tests_of(workspace, web_of(workspace))] == [
        ("tls", factory / "roles/tls/tests", 1),
        ("system", factory / "roles/system/tests", 1),
        ("nginx", team / "roles/nginx/tests", 0),
        ("nginx", team / "tests/roles/nginx", 0),
        ("seal", factory / "roles/seal/tests", 1),
    ]


def test_facts_when_a_team_applies_what_a_protected_role_depends_on(tmp_path: Path) -> None:
    """Tests of what a protected layer applies are told its variables, and not those of a layer above."""
    written(
        tmp_path / "factory",
        {**FACTORY, "roles/tls/meta/argument_specs.yml": FACTORY["roles/system/meta/argument_specs.yml"]},
    )
    layers = "from: golden\nlayers: [{workload: {roles: [tls], vars: {system_level: weak}}}]\n"
    image = TEAM["packer/images/web.yml"].partition("from:")[0] + layers
    workspace = load(written(tmp_path / "team", {**TEAM, "packer/images/web.yml": image}))
    facts = role_tests.facts_of(workspace, web_of(workspace), "v1")
    assert facts.vars["tls"] == {"system_level": "strong"}
