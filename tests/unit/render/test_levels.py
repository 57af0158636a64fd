"""How rendered files name what lies in another level."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.levels.origin import BUILTIN, LevelOrigin
from orchestrator.definition.workspace import Workspace
from orchestrator.errors import LackError
from orchestrator.render.levels import link_levels, seen_from

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def team(tmp_path: Path) -> Workspace:
    """A workspace on one from git, which lies in the team's own folder here, and on the built-in one."""
    builtin = Workspace(root=tmp_path / "team/cache/builtin", name="builtin", origin=BUILTIN)
    fetched = LevelOrigin(git="https://git.example.com/factory.git", ref="v1", commit="c" * 40)
    factory = Workspace(root=tmp_path / "team/cache/factory", name="factory", extends=builtin, origin=fetched)
    for level in (builtin, factory):
        level.root.mkdir(parents=True)
    return Workspace(root=tmp_path / "team", name="team", extends=factory)


def test_seen_from_when_a_level_lies_where_only_this_machine_has_it(team: Workspace, tmp_path: Path) -> None:
    """The text is the same on every machine: it goes by the name of the level, and never by where that lies."""
    _, factory, builtin = team.chain()
    assert seen_from(team, factory.root / "playbooks/base.yml") == ".ami/levels/factory/playbooks/base.yml"
    assert seen_from(team, builtin.root) == ".ami/levels/builtin"
    assert seen_from(team, team.root / "playbooks/app.yml") == "playbooks/app.yml"
    assert seen_from(factory, factory.root / "playbooks/base.yml") == "playbooks/base.yml"
    by_folder = replace(
        team, extends=replace(factory, root=tmp_path / "factory", origin=LevelOrigin(path="../factory"))
    )
    assert seen_from(by_folder, tmp_path / "factory/playbooks/base.yml") == "../factory/playbooks/base.yml"


def test_link_levels_when_a_level_moved(team: Workspace, tmp_path: Path) -> None:
    """The links lead to where the levels are now."""
    link_levels(team)
    link = team.root / ".ami/levels/factory"
    assert link.readlink() == tmp_path / "team/cache/factory"
    moved = tmp_path / "elsewhere"
    assert team.extends
    link_levels(replace(team, extends=replace(team.extends, root=moved)))
    assert link.readlink() == moved
    assert sorted(path.name for path in link.parent.iterdir()) == ["builtin", "factory"]


def test_link_levels_when_it_cannot_write(team: Workspace) -> None:
    (team.root / ".ami").write_text("")
    with pytest.raises(LackError, match=r"levels/factory cannot be made, and rendered files go by it"):
        link_levels(team)
