"""Loading a workspace, and what it answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.workspace import load
from orchestrator.errors import DefinitionError, LackError, UsageError
from tests.unit.definition.conftest import AMI, GOLDEN

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).parents[3]

TEAM = """\
name: team
extends: ../w
layers:
  - extras: {roles: [extra]}
"""

PORTAL = """\
name: portal
description: the portal of the team
owner: {team: portal, email: portal@example.com}
from: web
layers: [extras]
"""


def test_load_when_started_below_the_root(project: Callable[..., Path]) -> None:
    """The nearest folder above with an ami.yml is the workspace; its values are those that are written."""
    root = project()
    workspace = load(root / "roles" / "nginx")
    assert workspace.root == root
    assert list(workspace.layers) == ["base", "agents", "workload"]
    assert workspace.layers["base"].protected
    web = workspace.image("web")
    assert (web.from_, web.layers[0].name) == ("golden", "workload")
    assert [entry.role for entry in web.layers[0].roles] == ["nginx"]
    assert web.layers[0].vars == {"nginx_workers": 2}
    assert workspace.sources[workspace.image("golden").from_].ssh_username == "admin"
    assert [image.name for image in workspace.ancestors(web)] == ["golden"]
    assert workspace.environment().region == "us-east-1"


def test_load_when_there_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no ami\.yml in"):
        load(tmp_path)


def test_image_when_its_name_is_mistyped(project: Callable[..., Path]) -> None:
    workspace = load(project())
    with pytest.raises(UsageError, match=r"no image 'goldne' .*did you mean 'golden'"):
        workspace.image("goldne")
    with pytest.raises(UsageError, match=r"no environment 'lap' .*did you mean 'lab'"):
        workspace.environment("lap")


def test_roles_of_when_roles_depend_on_others(project: Callable[..., Path]) -> None:
    """What a role depends on comes before it, each once, and a ring of dependencies ends."""
    changes = {"roles/tls/meta/main.yml": "dependencies:\n  - role: system\n  - nginx\n"}
    workspace = load(project(changes))
    assert workspace.roles_of(["nginx", "system"]) == ("system", "tls", "nginx")


def test_find_when_extended(project: Callable[..., Path]) -> None:
    """A team's own files come first, then those of the workspace that it extends; layers are appended."""
    project()
    mine = {
        "ami.yml": TEAM,
        "packer/images/portal.yml": PORTAL,
        "playbooks/extras.yml": "[]\n",
        "playbooks/workload.yml": "[]\n",
        "roles/extra/tasks/main.yml": "[]\n",
    }
    root = project(mine, folder="team", whole=False)
    workspace = load(root)
    assert list(workspace.layers) == ["base", "agents", "workload", "extras"]
    assert sorted(workspace.images) == ["golden", "portal", "web"]
    assert [image.name for image in workspace.ancestors(workspace.image("portal"))] == ["golden", "web"]
    assert [image.name for image in workspace.with_ancestors(["portal", "web"])] == ["golden", "web", "portal"]
    assert workspace.find("playbooks/workload.yml") == root / "playbooks/workload.yml"
    assert workspace.find("roles/nginx") == root.parent / "w" / "roles/nginx"
    assert workspace.environment().name == "lab"
    with pytest.raises(LackError, match="roles/none is missing"):
        workspace.find("roles/none")


@pytest.mark.parametrize(
    ("factory", "team", "expected"),
    [
        ("", "", True),
        ("ansible: {mitogen: false}\n", "", False),
        ("ansible: {mitogen: false}\n", "ansible: {mitogen: true}\n", True),
        ("", "ansible: {mitogen: false}\n", False),
        ("ansible: {mitogen: false}\n", "ansible: {}\n", False),
    ],
)
def test_mitogen_when_declared_or_inherited(
    project: Callable[..., Path],
    factory: str,
    team: str,
    expected: bool,  # noqa: FBT001
) -> None:
    """The nearest workspace that says something decides; it is on when none does."""
    root = project()
    (root / "ami.yml").write_text((root / "ami.yml").read_text() + factory)
    mine = {"ami.yml": TEAM + team, "playbooks/extras.yml": "[]\n", "roles/extra/tasks/main.yml": "[]\n"}
    assert load(project(mine, folder="team", whole=False)).mitogen == expected


def test_masks_when_declared_and_inherited(project: Callable[..., Path]) -> None:
    root = project()
    (root / "ami.yml").write_text((root / "ami.yml").read_text() + "masks: [NEXUS_TOKEN]\n")
    mine = {
        "ami.yml": TEAM + "masks: [LICENSE_KEY, NEXUS_TOKEN]\n",
        "playbooks/extras.yml": "[]\n",
        "roles/extra/tasks/main.yml": "[]\n",
    }
    assert load(project(mine, folder="team", whole=False)).masks == ("NEXUS_TOKEN", "LICENSE_KEY")


def test_load_when_the_shipped_workspace() -> None:
    """This repository is itself a workspace without mistakes."""
    workspace = load(REPOSITORY)
    assert sorted(workspace.images) == ["analytics", "golden", "web"]
    assert [use.name for use in workspace.image("golden").layers] == ["base", "hardening", "agents"]


def test_load_when_there_are_300_images(project: Callable[..., Path]) -> None:
    """A large workspace loads. How fast is measured by the bench of plans."""
    images = {f"packer/images/web-{n}.yml": FILE.format(n=n) for n in range(300)}
    root = project(images)
    assert len(load(root).images) == 302


FILE = """\
name: web-{n}
description: number {n}
owner: {{team: portal, email: portal@example.com}}
from: golden
layers:
  - workload: {{roles: [nginx], vars: {{nginx_workers: {n}}}}}
tags: {{cost-center: "4711", stage: production}}
"""


@pytest.mark.parametrize(
    "meta",
    [
        "",
        "---\n# nothing\n",
        "dependencies: [nowhere]\ndependencies: [system]\n",
        "dependencies: [system]\ngalaxy_info: {author: !unsafe '{{ x', 1: one}\n",
    ],
)
def test_load_when_others_wrote_a_role(project: Callable[..., Path], meta: str) -> None:
    """What Ansible takes in a role's `meta/main.yml` is taken here, with what Ansible makes of it."""
    workspace = load(project({"roles/tls/meta/main.yml": meta}))
    assert set(workspace.roles["tls"].dependencies) == ({"system"} if "system" in meta else set())


@pytest.mark.parametrize("meta", ["dependencies: []\n---\na: 1\n", "a: [\n", "- a\n", "dependencies: [nowhere]\n"])
def test_load_when_a_role_that_nobody_uses_is_broken(project: Callable[..., Path], meta: str) -> None:
    """What Ansible refuses matters to whoever uses the role, and to nobody else."""
    assert "spare" in load(project({"roles/spare/meta/main.yml": meta})).roles
    with pytest.raises(DefinitionError):
        load(project({"roles/tls/meta/main.yml": meta}))


def test_load_when_only_other_files_are_wrong(project: Callable[..., Path]) -> None:
    """Mistakes in one environment and one image spoil nothing else; who asks for them, or for all, gets them."""
    top = PORTAL.replace("name: portal", "name: top").replace("layers: [extras]", "layers: []")
    files = {
        "packer/environments/prod.pkrvars.hcl": "regoin = 1\n",
        "packer/images/web.yml": None,
        "packer/images/bad.yml": GOLDEN.replace("name: golden", "name: bad").replace("[base, agents]", "[bsae]"),
        "packer/images/top.yml": top.replace("from: web", "from: bad"),
    }
    workspace = load(project(files), whole=False)
    assert (list(workspace.images), list(workspace.environments)) == (["golden"], ["lab"])
    assert sorted(workspace.broken_images) == ["bad", "top"]
    assert [str(one).partition(": ")[2] for one in workspace.broken_images["bad"]] == [
        "unknown layer 'bsae' (did you mean 'base'?)"
    ]
    for ask in (lambda: workspace.image("bad"), lambda: workspace.selected(["top"]), lambda: workspace.selected([])):
        with pytest.raises(DefinitionError, match="unknown layer 'bsae'"):
            ask()
    with pytest.raises(DefinitionError, match="regoin"):
        workspace.environment("prod")
    with pytest.raises(DefinitionError, match="regoin"):
        load(workspace.root)


def test_load_when_something_that_all_share_is_wrong(project: Callable[..., Path]) -> None:
    """A mistake in `ami.yml` is everybody's."""
    with pytest.raises(DefinitionError, match="unknown role 'sytem'"):
        load(project({"ami.yml": AMI.replace("[system]", "[sytem]")}), whole=False)


def test_pins_of_plugins_when_declared_and_inherited(project: Callable[..., Path]) -> None:
    """What both pin is bound by both."""
    root = project()
    pinned = (
        "packer: {required_plugins: {amazon: '>= 1.3.0', docker: {source: github.com/acme/docker, version: ~> 1.0}}}"
    )
    (root / "ami.yml").write_text((root / "ami.yml").read_text() + pinned + "\n")
    mine = {
        "ami.yml": TEAM + "packer: {required_plugins: {amazon: '< 1.8', docker: '!= 1.0.3', ansible: 1.1.6}}\n",
        "playbooks/extras.yml": "[]\n",
        "roles/extra/tasks/main.yml": "[]\n",
    }
    pins = load(project(mine, folder="team", whole=False)).required_plugins
    assert {name: (pin.version, pin.source) for name, pin in pins.items()} == {
        "amazon": (">= 1.3.0, < 1.8", None),
        "docker": ("~> 1.0, != 1.0.3", "github.com/acme/docker"),
        "ansible": ("1.1.6", None),
    }
