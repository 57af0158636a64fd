"""A team's workspace beside the factory's builds its own images on those that stand, and nothing of anybody else's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.lab.small import AMI_YML

if TYPE_CHECKING:
    from tests.lab.small import Small

pytestmark = pytest.mark.long(60)

TEAM = "name: team\nextends: {path: FACTORY}\n"
#: What a team may have by names that the factory has, too. Of all this its own image gets the playbook and the role.
SAME_NAMES = {
    "ansible.cfg": "[defaults]\nforks = 3\njinja2_native = true\n",
    "group_vars/all.yml": "marker_text: of the team\n",
    "collections/ansible_collections/team/more/roles/one/tasks/main.yml": "[]\n",
}


@pytest.fixture
def team(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """A team's workspace on the small one, whose layer `base` is protected now."""
    small.write("ami.yml", AMI_YML.replace("ssm_agent]}", "ssm_agent], protected: true}"))
    small.role("extra", "of the factory")
    small.image("top-other", "tiny", "workload: {roles: [extra]}")
    team = replace(small, root=tmp_path_factory.mktemp("team"))
    team.write("ami.yml", TEAM.replace("FACTORY", str(small.root)))
    team.image("top-web", "tiny", "workload: {roles: [extra]}")
    team.role("extra", "of the team")
    team.write("playbooks/workload.yml", (small.root / "playbooks/default.yml").read_text())
    for path, text in SAME_NAMES.items():
        team.write(path, text)
    return team


def test_build_when_a_team_extends_the_factory(small: Small, team: Small) -> None:
    """It needs a validated parent, uses it as it stands, and says when its definition has moved on."""
    team.ami("plan", code=3)  # there is no version of `tiny` yet, and it is not the team's to build
    small.ami("build", "tiny", "--yes")
    tiny = small.listed("tiny")["tiny"]
    assert team.planned() == {"tiny": "reuse", "top-web": "build"}
    assert small.planned() == {"tiny": "reuse", "top-other": "build"}

    team.ami("build", "--yes")
    web = team.listed("top-web")["top-web"]
    assert (web["state"], web["parent_ami_id"]) == ("validated", tiny["ami_id"])
    report = json.loads((team.last_run() / "top-web/report.json").read_text())
    assert {test["role"] for test in report["tests"]} >= {"marker", "ssm_agent", "seal", "extra"}
    (guarded,) = json.loads(team.ami("show", web["ami_id"], "--json"))["protected"]
    assert (guarded["layer"], guarded["level"], guarded["fingerprint"]) == ("base", "small", tiny["fingerprint"])

    small.role("marker", "another mark")
    plan = json.loads(team.ami("plan", "--json"))
    assert {step["segment"]: step["action"] for step in plan["steps"]} == {"top-web": "reuse"}
    (told,) = plan["warnings"]
    assert told["file"] == str(small.root / "packer/images/tiny.yml")
    assert told["message"].startswith(
        f"'tiny' is out of date: roles/marker changed (layer base) since {tiny['version']}"
    )
    steps = json.loads(team.ami("plan", "--with-parents", "--json"))["steps"]
    assert {step["segment"]: step["action"] for step in steps} == {"tiny": "build", "top-web": "build"}
