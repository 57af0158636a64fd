"""A workspace that extends another, which extends a third: what is wrong with it, and whose mistake it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.workspace import load, roots_of
from orchestrator.errors import DefinitionError
from orchestrator.plan.hiding import hiding
from tests.unit.definition.conftest import AMI, GOLDEN, WEB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Project = Callable[..., Path]
    Mistakes = Callable[..., list[str]]

DEPARTMENT = "name: department\nextends: {path: ../w}\n"
TEAM = "name: team\nextends: {path: ../department}\n"
PORTAL = WEB.replace("web", "portal")


@pytest.fixture
def below(project: Project) -> Project:
    """Writes a factory and a department; a test writes the team's workspace."""
    project()
    project({"ami.yml": DEPARTMENT}, folder="department", whole=False)
    return project


def test_load_when_two_levels_define_one_image(below: Project, mistakes: Mistakes) -> None:
    """The file of the nearer one is wrong, and says where the other is."""
    root = below().parent
    found = mistakes({"ami.yml": TEAM, "packer/images/golden.yml": GOLDEN}, folder="team", whole=False)
    assert found == [
        f"packer/images/golden.yml:1: image 'golden' is already defined in {root}/w/packer/images/golden.yml"
    ]


def test_load_when_levels_extend_each_other_in_a_circle(below: Project, mistakes: Mistakes) -> None:
    """It is said once, where the circle closes, and whose file that is."""
    root = below({"ami.yml": AMI + "extends: ../team\n"}).parent
    (found,) = mistakes({"ami.yml": TEAM}, folder="team", whole=False)
    circle = " -> ".join(str(root / name) for name in ("team", "department", "w", "team"))
    assert found.startswith(f"{root}/w/ami.yml:11: loop in 'extends': {circle} ")
    assert roots_of(root / "team") == (root / "team", root / "department", root / "w")


def test_load_when_a_level_has_mistakes(below: Project, mistakes: Mistakes) -> None:
    """The problem names the file, and the workspace that it is in: whoever reads it may not own that."""
    root = below({"packer/images/golden.yml": GOLDEN.replace("base", "bsae")}).parent
    (found,) = mistakes({"ami.yml": TEAM, "packer/images/portal.yml": PORTAL}, folder="team", whole=False)
    assert found == (
        f"{root}/w/packer/images/golden.yml:5: unknown layer 'bsae' (did you mean 'base'?) "
        "(in the workspace 'factory' that this one extends, from ../w)"
    )


def test_load_when_a_level_is_not_there(below: Project, mistakes: Mistakes) -> None:
    root = below().parent
    below({"ami.yml": "name: department\nextends:\n  path: ../gone\n"}, folder="department", whole=False)
    (found,) = mistakes({"ami.yml": TEAM}, folder="team", whole=False)
    whose = "(in the workspace 'department' that this one extends, from ../department)"
    assert found == f"{root}/department/ami.yml:3: 'extends': there is no ami.yml in {root}/gone {whose}"


def test_load_when_a_level_has_a_mistake_that_spoils_no_image_of_the_team(below: Project) -> None:
    """What the team builds does not stand on that image, and so it is left out, as in the factory itself."""
    below({"packer/images/web.yml": WEB.replace("workload", "wrokload")})
    root = below({"ami.yml": TEAM, "packer/images/portal.yml": PORTAL}, folder="team", whole=False)
    workspace = load(root, whole=False)
    assert sorted(workspace.images) == ["golden", "portal"]
    assert workspace.selected(None) == ["portal"]
    with pytest.raises(DefinitionError, match="unknown layer 'wrokload'"):
        workspace.image("web")


def test_load_when_an_image_of_the_team_stands_on_one_with_mistakes(below: Project) -> None:
    """That is a reason to stop: it is one of those that are meant."""
    below({"packer/images/golden.yml": GOLDEN.replace("base", "bsae")})
    root = below({"ami.yml": TEAM, "packer/images/portal.yml": PORTAL}, folder="team", whole=False)
    with pytest.raises(DefinitionError, match="unknown layer 'bsae'"):
        load(root, whole=False).selected(None)


@pytest.mark.parametrize("name", ["factory", "builtin"])
def test_load_when_two_levels_have_one_name(below: Project, mistakes: Mistakes, name: str) -> None:
    """Records, links and messages tell levels apart by their names."""
    below()
    found = mistakes({"ami.yml": TEAM.replace("team", name)}, folder="team", whole=False)
    what = f"a workspace that this one extends is called '{name}', too: each needs a name of its own"
    assert found == [f"ami.yml:1: {what}"]


def test_ansible_cfg_when_a_level_has_one_that_is_refused(below: Project, mistakes: Mistakes) -> None:
    """Its images are built with it, whoever builds them."""
    root = below({"ansible.cfg": "[defaults]\ntransport = local\n"}).parent
    (found,) = mistakes({"ami.yml": TEAM}, folder="team", whole=False)
    assert found.startswith(f"{root}/w/ansible.cfg:2: 'transport = local'")


def test_hiding_when_a_team_uses_names_of_what_it_extends(
    below: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each such name is told with both places; names of its own, and the built-in workspace's, are not."""
    collection = "collections/ansible_collections/acme/tools"
    below({f"{collection}/README.md": "", "packer/layers/agents.pkr.hcl.j2": ""})
    mine = {
        "ami.yml": TEAM + "layers:\n  - own\n  - workload: {roles: [nginx]}\n",
        "playbooks/own.yml": "[]\n",
        "playbooks/workload.yml": "[]\n",
        "roles/nginx/tasks/main.yml": "[]\n",
        "roles/own/tasks/main.yml": "[]\n",
        "packer/layers/agents.pkr.hcl.j2": "",
        f"{collection}/README.md": "",
    }
    monkeypatch.chdir(below(mine, folder="team", whole=False))
    told = [str(one).removeprefix(f"{tmp_path}/team/") for one in hiding(load(tmp_path / "team"))]
    ending = "for the images of this workspace"
    assert told == [
        f"ami.yml:5: the layer 'workload' goes before ../w/ami.yml {ending}",
        f"{collection}: the collection 'acme.tools' goes before ../w/{collection} {ending}",
        f"packer/layers/agents.pkr.hcl.j2: this file goes before ../w/packer/layers/agents.pkr.hcl.j2 {ending}",
        f"playbooks/workload.yml: this file goes before ../w/playbooks/workload.yml {ending}",
        f"roles/nginx: the role 'nginx' goes before ../w/roles/nginx {ending}",
    ]
    assert hiding(load(tmp_path / "w")) == ()
