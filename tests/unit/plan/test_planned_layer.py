"""A layer with entries that say more than a role's name, and with `group_vars`: what Ansible gets, and what counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.roles.entry import RoleEntry
from orchestrator.definition.workspace import load
from orchestrator.plan.planned_layer import PlannedLayer, seal_of
from tests.unit.plan.conftest import Planner

if TYPE_CHECKING:
    from collections.abc import Iterable

INSTALL = RoleEntry(role="install")
PROXY = RoleEntry(role="acme.proxy", vars={"port": 8081}, when=("x > 1",), become=False, tags=("web",))


def layer(*entries: RoleEntry) -> PlannedLayer:
    roles = tuple(entry.role for entry in entries)
    return PlannedLayer("workload", roles, {"port": 8080, "name": "n"}, Path("p.yml"), entries=entries)


def test_tasks_when_an_entry_goes_over_its_layer() -> None:
    """What one entry sets is no extra variable, which would win: each role gets its own, or the layer's."""
    planned = layer(INSTALL, PROXY)
    assert planned.shared_vars == {"name": "n"}
    assert planned.role_tasks == [
        {
            "name": "Apply install",
            "ansible.builtin.include_role": {"name": "install"},
            "vars": {"port": 8080},
        },
        {
            "name": "Apply acme.proxy",
            "ansible.builtin.include_role": {"name": "acme.proxy", "apply": {"become": False, "tags": ["web"]}},
            "vars": {"port": 8081},
            "when": ["x > 1"],
            "tags": ["web"],
        },
    ]
    assert planned.vars_of("acme.proxy") == {"port": 8081, "name": "n"}
    assert planned.vars_of("install") == {"port": 8080, "name": "n"}


def changed(planner: Planner, files: dict[str, str]) -> set[tuple[str, str]]:
    """The layers (image, layer) whose fingerprints differ once some files are written."""
    before = planner.fingerprints()
    root = planner.workspace.root
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    after = Planner(load(root), planner.environment).fingerprints()
    return {key for key, value in after.items() if before[key] != value}


WORKLOADS = {("web", "workload"), ("analytics", "workload")}


@pytest.mark.parametrize("folder", ["group_vars", "playbooks/group_vars"])
@pytest.mark.parametrize(
    ("name", "reached"),
    [
        ("nobody.yml", ()),
        ("web.yml", [("web", "workload")]),
        ("web/more/ports.yml", [("web", "workload")]),
        ("workload.yml", WORKLOADS),
        ("golden.yml", ()),  # its layers are protected, and the same in every image
    ],
)
def test_fingerprint_when_group_vars_are_written(
    written: Planner, folder: str, name: str, reached: Iterable[tuple[str, str]]
) -> None:
    """They count for the layers that they reach, and for no others."""
    assert changed(written, {f"{folder}/{name}": "x: 1\n"}) == set(reached)


def test_fingerprint_when_group_vars_of_all_are_written(written: Planner) -> None:
    """They reach the seal as well, which is below every layer."""
    everything = set(written.fingerprints())
    assert changed(written, {"group_vars/all.yml": "x: 1\n"}) == everything


def test_fingerprint_when_an_entry_says_more(written: Planner) -> None:
    """What is said of one role counts for the layer, and a plain mapping is the same as the name."""
    web = (written.workspace.root / "packer/images/web.yml").read_text()
    plain = web.replace("roles: [nginx]", "roles: [{role: nginx}]")
    assert plain != web
    assert changed(written, {"packer/images/web.yml": plain}) == set()
    more = web.replace("roles: [nginx]", "roles: [{role: nginx, become_user: www-data}]")
    assert changed(written, {"packer/images/web.yml": more}) == {("web", "workload")}


def test_seal_when_workspaces_have_group_vars(tmp_path: Path) -> None:
    """The workspace that stands on the built-in one sets the variables of the seal; one that extends it does not."""
    for folder, extends in (("factory", ""), ("team", "extends: {path: ../factory}\n")):
        (tmp_path / folder / "group_vars").mkdir(parents=True)
        (tmp_path / folder / "group_vars/all.yml").write_text("seal_paths_removed: []\n")
        (tmp_path / folder / "ami.yml").write_text(f"name: {folder}\n{extends}")
    for folder in ("factory", "team"):
        assert seal_of(load(tmp_path / folder)).group_folders == (tmp_path / "factory",)
