"""An image belongs to the workspace that defines it: what it is made of is the same, whoever extends that."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.workspace import load
from orchestrator.errors import LackError, UsageError
from orchestrator.plan.inputs import Collector
from orchestrator.plan.standing import StandingImage, foreign, inputs_of, newest_of
from orchestrator.plan.steps import known, steps
from orchestrator.plan.tree import cut, defined_inputs, tree
from orchestrator.registry import State
from orchestrator.render.packer import render
from orchestrator.run.levels.parents import concerned, out_of_date, standing_parents
from tests.unit.plan.conftest import NOW, PROJECT, Planner
from tests.unit.plan.test_steps import version
from tests.unit.render.sets import LEGACY

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import Segment

AMI = "name: NAME\nextends: {path: ../BELOW}\ndefault_environment: lab\n"
IMAGE = """\
name: NAME
description: NAME
owner: {team: NAME, email: NAME@example.com}
from: FROM
layers: [LAYERS]
"""
#: What a team may have, by the names that the factory has: nothing of it is protected, and all of it is its own.
OF_THE_TEAM = {
    "ansible.cfg": "[defaults]\ngathering = explicit\njinja2_native = true\n",
    "group_vars/all.yml": "audit_rules: []\nhardening_ssh_port: 2222\n",
    "roles/nginx/tasks/main.yml": "- ansible.builtin.debug: {msg: of the team}\n",
    "roles/nginx/tests/test_nginx.py": "def test_nothing():\n    pass\n",
    "roles/postgresql/tasks/main.yml": "[]\n",
    "playbooks/workload.yml": "[]\n",
    "playbooks/filter_plugins/more.py": "",
    "playbooks/group_vars/all.yml": "ssm_agent_url: elsewhere\n",
    "collections/ansible_collections/team/more/roles/one/tasks/main.yml": "[]\n",
    "tests/roles/hardening_ssh/test_more.py": "def test_more():\n    pass\n",
    "roles/conftest.py": "collect_ignore_glob = ['*']\n",
    "conftest.py": "collect_ignore_glob = ['*']\n",
    "packer/layers/workload.pkr.hcl.j2": '{% extends "layers/default.pkr.hcl.j2" %}\n',
}
SETTINGS = """\
machine: {instance_types: [m5.large], root_volume: {size: 99}}
ansible: {gather_subset: ["!all"], mitogen: false}
layers:
  - workload: {vars: {nginx_worker_processes: 9}}
"""


def written_to(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def level(root: Path, below: str, files: dict[str, str] | None = None, more: str = "") -> Path:
    """A workspace that extends the one in the folder `below` beside it."""
    text = AMI.replace("NAME", root.name).replace("BELOW", below) + more
    return written_to(root, {"ami.yml": text, **(files or {})})


def image(name: str, start: str, layers: str) -> dict[str, str]:
    text = IMAGE.replace("NAME", name).replace("FROM", start).replace("LAYERS", layers)
    return {f"packer/images/{name}.yml": text}


def everything(workspace: Workspace, environment: Environment, name: str) -> tuple[object, ...]:
    """All that is decided of an image: every input, its tests, what tests may ask, and the HCL that builds it."""
    planner = Planner(workspace, environment)
    segment = next(one for one in planner.segments([name]) if one.name == name)
    chain = [(one.layer, one.parts, one.fingerprint) for one in segment.inputs.chain()]
    return chain, segment.tests, segment.machine, segment.stack, render(workspace, segment, LEGACY)


def test_fingerprint_when_a_team_has_the_same_names(written: Planner, environment: Environment, tmp_path: Path) -> None:
    """Every image of the factory is the same, byte by byte, whatever a team's folder holds; the team's own is not."""
    factory = written.workspace
    environment = environment.model_copy(update={"name": "elsewhere"})  # the factory's `lab` has variables of its own
    own = image("portal", "golden", "workload: {roles: [nginx]}")
    team = load(level(tmp_path / "team", factory.root.name, OF_THE_TEAM | own, SETTINGS))
    for name in factory.images:
        assert everything(team, environment, name) == everything(factory, environment, name)
    portal = next(one for one in Planner(team, environment).segments(["portal"]) if one.name == "portal")
    (workload,) = portal.layers
    assert workload.playbook == team.root / "playbooks/workload.yml"
    assert dict(workload.vars) == {"nginx_worker_processes": 9}
    parts = {one.name: one.entries for one in portal.inputs.parts}
    assert set(parts["roles/nginx"]) == {"- tasks/main.yml"}
    assert workload.machine.root_volume.size == 99


@pytest.fixture
def three(written: Planner, tmp_path: Path) -> Workspace:
    """A team's workspace on that of a department, on the factory's."""
    department = {
        **image("depot", "golden", "workload: {roles: [tool]}"),
        "roles/tool/tasks/main.yml": "[]\n",
        "roles/tool/tests/test_tool.py": "",
    }
    team = {
        **image("portal", "depot", "app: {roles: [tool]}"),
        "roles/tool/tasks/main.yml": "- ansible.builtin.debug:\n",
        "roles/tool/tests/test_tool.py": "",
        "playbooks/app.yml": "[]\n",
    }
    level(tmp_path / "department", written.workspace.root.name, department)
    return load(level(tmp_path / "team", "department", team, "layers: [app]\n"))


def test_home_when_there_are_three_levels(three: Workspace) -> None:
    """Each image is at home in the workspace that defines it, and only those of the workspace are meant by default."""
    homes = {name: three.home(name).name for name in three.images}
    assert homes == {"portal": "team", "depot": "department"} | dict.fromkeys(["golden", "web", "analytics"], "factory")
    assert [one.name for one in three.chain()] == ["team", "department", "factory", "builtin"]
    assert [one.origin.path for one in three.chain()] == ["", "../department", "../workspace", ""]
    assert three.selected(None) == ["portal"]
    assert three.selected(["golden"]) == ["golden"]


def planned(three: Workspace, environment: Environment, standing: dict[str, StandingImage]) -> tuple[Segment, ...]:
    collector = Collector(three, environment, NOW)
    amis = dict.fromkeys(three.sources, "ami-debian")
    return cut(tree(three, ["portal"], collector, amis, standing), collector, ())


def test_roles_when_two_levels_have_one_of_the_same_name(three: Workspace, environment: Environment) -> None:
    """Each layer gets the role of its own level, and both roles' tests prove the image."""
    from orchestrator.run.tests import tests_of  # noqa: PLC0415 - it imports what validates

    segments = {one.name: one for one in planned(three, environment, {})}
    tests = [one.folder for one in tests_of(three, segments["portal"]) if one.role == "tool"]
    assert [folder.relative_to(three.root.parent).parts[0] for folder in tests] == ["department", "team"]
    depot, portal = (
        {part.name: part.digest for part in segments[name].inputs.parts}["roles/tool"] for name in ("depot", "portal")
    )
    assert depot != portal


def test_plan_when_a_parent_stands(three: Workspace, environment: Environment) -> None:
    """A plan is about the team's own image, on the version that stands: neither built nor tested, whatever changed."""
    depot = version("depot", fingerprint="d" * 64)
    standing = {"depot": StandingImage.of(depot, None)}
    segments = planned(three, environment, standing)
    assert [(one.name, one.parent) for one in segments] == [("depot", "golden"), ("portal", "depot")]
    assert [layer.name for layer in segments[1].stack] == ["base", "hardening", "agents", "workload", "app"]
    decided = steps(segments, wanted=["portal"], account=known([depot]), standing=standing)
    assert {step.name: str(step.action) for step in decided} == {"depot": "reuse", "portal": "build"}
    assert decided[0].found == depot


def test_fingerprint_when_a_parent_stands(three: Workspace, environment: Environment) -> None:
    """It is chained with the fingerprint of the version: one that is built as it is defined makes no difference."""
    by_definition = {one.name: one for one in planned(three, environment, {})}
    defined = by_definition["depot"].inputs
    current = version("depot", fingerprint=defined.fingerprint)
    standing = planned(three, environment, {"depot": StandingImage.of(current, defined)})[-1]
    assert standing.inputs == by_definition["portal"].inputs
    assert (
        planned(three, environment, {"depot": StandingImage.of(current, None)})[-1].fingerprint == standing.fingerprint
    )
    old = StandingImage.of(replace(current, fingerprint="d" * 64), defined)
    older = planned(three, environment, {"depot": old})[-1]
    assert older.fingerprint != standing.fingerprint
    assert older.inputs.parts == standing.inputs.parts


def test_tests_when_those_of_another_level_changed(three: Workspace, environment: Environment) -> None:
    """An image is tested anew when its parent has been, and not because its owner is about to."""

    def of_portal(standing: dict[str, StandingImage]) -> str:
        return planned(load(three.root), environment, standing)[-1].tests

    first = {one.name: one.tests for one in planned(three, environment, {})}
    depot = version("depot", proof=first["depot"])
    assert of_portal({"depot": StandingImage.of(depot, None)}) == first["portal"]
    (three.root.parent / "department/roles/tool/tests/test_tool.py").write_text("def test_more():\n    pass\n")
    assert of_portal({"depot": StandingImage.of(depot, None)}) == first["portal"]
    proven = replace(depot, proof="p" * 64)
    assert of_portal({"depot": StandingImage.of(proven, None)}) != first["portal"]
    assert of_portal({}) != first["portal"]
    (three.root / "roles/tool/tests/test_tool.py").write_text("def test_more():\n    pass\n")
    assert of_portal({"depot": StandingImage.of(depot, None)}) != first["portal"]


def test_inputs_of_a_version_when_its_tags_tell(three: Workspace, environment: Environment) -> None:
    """What is built on it says the same of what is below as if it were built with it."""
    from orchestrator.plan.explaining.short_digests import from_tags, to_tags  # noqa: PLC0415

    depot = next(one for one in planned(three, environment, {}) if one.name == "depot")
    tags = to_tags(depot.inputs)
    again = inputs_of(version("depot", fingerprint="d" * 64, tags=tags))
    assert from_tags(to_tags(again)) == from_tags(tags)
    assert again.fingerprint == "d" * 64
    assert inputs_of(version("depot")).layer == "depot"


def test_foreign_when_images_of_others_are_below(three: Workspace) -> None:
    """Of those that an image is built on, the nearest of another level; for that level, the nearest of the next."""
    assert [one.name for one in foreign(three, ["portal"])] == ["depot"]
    assert [one.name for one in foreign(three, ["portal", "web"])] == ["depot", "web"]
    assert three.extends
    assert [one.name for one in foreign(three.extends, ["depot"])] == ["golden"]
    assert [one.name for one in three.with_ancestors(["portal"])] == ["golden", "depot", "portal"]
    assert [one.name for one in three.with_ancestors(["portal"], {"depot"})] == ["depot", "portal"]


def test_newest_of_when_versions_are_there(three: Workspace) -> None:
    """It is the newest that is validated; a newer one that is not proven does not count."""
    built = version("depot", State.BUILT, "2026-01-03")
    proven, older = version("depot", created="2026-01-02"), version("depot", created="2026-01-01")
    assert newest_of(three, ["portal"], [built, proven, older]) == {"depot": proven}
    assert newest_of(three, ["portal"], [built]) == {}


def test_standing_parents_when_there_is_none(three: Workspace, environment: Environment) -> None:
    """The error says which image, whose it is, and what to do; and so it does when that is asked to be built."""
    whose = r"it belongs to the workspace 'department' \(depot <depot@example.com>\)"
    with pytest.raises(LackError, match=f"no validated version of 'depot' .*'portal' is built on: {whose}") as lack:
        standing_parents(three, environment, ["portal"], [version("depot", State.REJECTED)], ())
    assert "ami build --with-parents portal" in lack.value.hint
    with pytest.raises(UsageError, match=r"'depot' belongs to the workspace 'department' .* not built here"):
        standing_parents(three, environment, ["depot"], [version("depot")], ["depot"])


def test_out_of_date_when_a_definition_changed(three: Workspace, environment: Environment) -> None:
    """It says which file, what changed and whose it is; nothing of a version that is as it is defined."""
    collector, amis = Collector(three, environment, NOW), dict.fromkeys(three.sources, "ami-debian")
    inputs = defined_inputs(three, three.images["depot"], collector, amis)
    current = version("depot", fingerprint=inputs.fingerprint)
    assert out_of_date(three, {"depot": StandingImage.of(current, inputs)}) == ()
    (found,) = out_of_date(three, {"depot": StandingImage.of(replace(current, fingerprint="d" * 64), inputs)})
    assert found.path == three.root.parent / "department/packer/images/depot.yml"
    assert found.what == (
        "'depot' is out of date: something changed since v-2026-01-01; "
        "the workspace 'department' (depot <depot@example.com>) builds it, or --with-parents here"
    )
    (found,) = out_of_date(three, {"depot": StandingImage.of(current, None, "no AMI fits the source")})
    assert found.what == "whether 'depot' is out of date is not known here: no AMI fits the source"


#: Files that Python has opened while `ON` is true: an audit hook cannot be taken away again.
OPENED: list[str] = []
ON = [False]


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if ON[0] and event in ("open", "os.scandir", "os.listdir"):
        OPENED.append(str(arguments[0]))


def test_plan_when_there_are_fifty_teams(three: Workspace, environment: Environment) -> None:
    """Nothing of the others is opened, and nothing of theirs is asked of the account."""
    sys.addaudithook(_note)
    counts, beside = [], three.root.parent
    for others in (0, 49):
        for number in range(others):
            name = f"other-{number}"
            level(beside / name, "workspace", image(name, "golden", "workload: {roles: [nginx]}"))
        OPENED.clear()
        ON[0] = True
        team = load(three.root)
        asked = concerned(team, ["portal"])
        planned(team, environment, {"depot": StandingImage.of(version("depot"), None)})
        ON[0] = False
        counts.append(len(OPENED))
        assert not [path for path in OPENED if "/other-" in path]
        assert {name for name in asked if not name.startswith("stack-")} == {"portal", "depot", "golden"}
    assert counts[0] == counts[1] > 0


def test_levels_when_the_repository_is_the_factory() -> None:
    """The workspace of this repository extends the built-in one, as every other."""
    assert [one.name for one in load(PROJECT).chain()] == ["factory", "builtin"]
