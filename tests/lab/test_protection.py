"""A team's workload undoes what a protected layer did, and its conftest.py would hide that."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.lab.small import AMI_YML

if TYPE_CHECKING:
    from tests.lab.small import Small

pytestmark = pytest.mark.long(400)

CONFTEST = (
    "def pytest_collection_modifyitems(items):\n    items[:] = [one for one in items if one.name != 'test_mark']\n"
)


def test_image_of_a_team_when_its_workload_undoes_what_is_protected(small: Small) -> None:
    """It is built on the factory's image and rejected by the factory's tests, which no file of the team's reaches.

    The factory's own image builds; to apply the protected layer in the team's image is refused before that.
    """
    small.write("ami.yml", AMI_YML.replace("ssm_agent]}", "ssm_agent], protected: true}"))
    small.ami("build", "--yes")
    team = replace(small, root=small.root / "team")
    team.write("ami.yml", "name: team\nextends: ..\n")
    team.write("conftest.py", CONFTEST)
    team.role("undo", "undone")
    team.write("roles/undo/tasks/main.yml", '- ansible.builtin.copy: {content: "", dest: /etc/marked}\n')
    team.write("roles/undo/tests/test_undo.py", "def test_own(host):\n    assert host.file('/etc/marked').exists\n")
    team.image("top", "light", "base")
    team.ami("plan", code=2)
    team.image("top", "tiny", "workload: {roles: [undo]}")
    team.ami("build", "--yes", code=1)
    (report,) = team.last_run().glob("top/report.json")
    tests = {test["nodeid"].rpartition("::")[2]: test["outcome"] for test in json.loads(report.read_text())["tests"]}
    assert (tests["test_mark"], tests["test_own"]) == ("failed", "passed")
    states = {version["image"]: version["state"] for version in json.loads(team.ami("list", "--json"))["versions"]}
    assert states == {"tiny": "validated", "top": "rejected"}
