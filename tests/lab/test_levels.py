"""A team's workspace extends the factory's repository: it builds its own images on those that stand, and nothing of
anybody else's.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.levels.extended import BUILTIN_ROOT
from tests.lab.small import AMI_YML

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.small import Small

pytestmark = pytest.mark.long(60)

TEAM = "name: team\nextends: {git: 'file://FACTORY', ref: v1.4.0}\n"
#: What a team may have by names that the factory has, too. Of all this its own image gets the playbook and the role.
SAME_NAMES = {
    "ansible.cfg": "[defaults]\nforks = 3\njinja2_native = true\n",
    "group_vars/all.yml": "marker_text: of the team\n",
    "collections/ansible_collections/team/more/roles/one/tasks/main.yml": "[]\n",
}


def commit(factory: Path, tag: str) -> None:
    """Commit all of a folder to its repository, and give that a tag."""
    who = ["-c", "user.name=tests", "-c", "user.email=tests@example.com"]
    parts = [part for part in ("ami.yml", "packer", "playbooks", "roles") if (factory / part).exists()]
    for words in (["init"], ["add", *parts], ["commit", "-m", tag], ["tag", tag]):
        subprocess.run(["git", "-C", factory, *who, *words], check=True, capture_output=True)


def locked_commit(team: Small) -> str:
    """The commit that a team's lock has."""
    extends = json.loads(team.ami("update", "--check", "--json"))["extends"]
    return str(extends["old_commit"])


@pytest.fixture
def team(small: Small, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Small:
    """A team's workspace on the small one at a tag. The layer `base` of the small one is protected now."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    small.write("ami.yml", AMI_YML.replace("ssm_agent]}", "ssm_agent], protected: true}"))
    small.role("extra", "of the factory")
    small.image("top-other", "tiny", "workload: {roles: [extra]}")
    team = replace(small, root=tmp_path_factory.mktemp("team"))
    commit(small.root, "v1.4.0")
    team.write("ami.yml", TEAM.replace("FACTORY", str(small.root)))
    team.image("top-web", "tiny", "workload: {roles: [extra]}")
    team.role("extra", "of the team")
    team.write("playbooks/workload.yml", (BUILTIN_ROOT / "playbooks/default.yml").read_text())
    for path, text in SAME_NAMES.items():
        team.write(path, text)
    return team


def test_build_when_a_team_extends_the_factory(small: Small, team: Small) -> None:
    """It needs a validated parent, uses it as it stands, and says when its definition has moved on. The definition is
    that of the locked commit, and needs no repository once it is here.
    """
    team.ami("plan", code=2)  # no commit is locked yet
    team.ami("update", "--yes")
    team.ami("plan", code=3)  # there is no version of `tiny` yet, and it is not the team's to build
    small.ami("build", "tiny", "--yes")
    tiny = small.listed("tiny")["tiny"]
    assert team.planned() == {"tiny": "reuse", "top-web": "build"}
    assert small.planned() == {"tiny": "reuse", "top-other": "build"}

    gone = shutil.move(small.root / ".git", f"{team.root}-gone")
    team.ami("build", "--yes")
    web = team.listed("top-web")["top-web"]
    assert (web["state"], web["parent_ami_id"]) == ("validated", tiny["ami_id"])
    report = json.loads((team.last_run() / "top-web/report.json").read_text())
    assert {test["role"] for test in report["tests"]} >= {"marker", "ssm_agent", "seal", "extra"}
    (guarded,) = json.loads(team.ami("show", web["ami_id"], "--json"))["protected"]
    assert (guarded["layer"], guarded["level"], guarded["fingerprint"]) == ("base", "small", tiny["fingerprint"])

    shutil.move(gone, small.root / ".git")
    small.role("marker", "another mark")
    commit(small.root, "v1.5.0")
    assert json.loads(team.ami("plan", "--json"))["warnings"] == []
    team.write("ami.yml", (team.root / "ami.yml").read_text().replace("v1.4.0", "v1.5.0"))
    team.ami("update", "--yes")
    plan = json.loads(team.ami("plan", "--json"))
    assert {step["segment"]: step["action"] for step in plan["steps"]} == {"top-web": "reuse"}
    (told,) = plan["warnings"]
    assert told["file"].endswith(f"/{locked_commit(team)[:12]}/packer/images/tiny.yml")
    assert told["message"].startswith(
        f"'tiny' is out of date: roles/marker changed (layer base) since {tiny['version']}"
    )
    steps = json.loads(team.ami("plan", "--with-parents", "--json"))["steps"]
    assert {step["segment"]: step["action"] for step in steps} == {"tiny": "build", "top-web": "build"}
