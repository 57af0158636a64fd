"""Protected means protected: every way in `weakenings.py` is refused, or changes nothing of what is protected."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from orchestrator.aws.account import Account
from orchestrator.build.launch.outside import kept_out
from orchestrator.definition.workspace import load
from orchestrator.errors import DefinitionError
from orchestrator.plan.inputs import Collector
from orchestrator.plan.standing import StandingImage
from orchestrator.plan.steps import known, steps
from orchestrator.plan.tree import cut, tree
from orchestrator.render.packer import Renderer
from tests.unit.plan.test_steps import version
from tests.unit.plan.weakenings import FACTORY, TEAM, WEAKENINGS, Weakening, own
from tests.unit.render.sets import PLUGINS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

NOW = datetime(2026, 11, 25, tzinfo=UTC)
AMIS = {"debian-12": "ami-0123456789abcdef0"}


def written(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("->"):
            path.symlink_to(text.removeprefix("->"))
        else:
            path.write_text(text)
    return root


def golden(root: Path, environment: str = "lab") -> tuple[object, ...]:
    """What decides golden, seen from a workspace: fingerprints of its layers and of its tests, and its template.

    The workspace's own images are planned and rendered as well.
    """
    workspace = load(root)
    collector = Collector(workspace, workspace.environment(environment), NOW)
    segments = cut(tree(workspace, [*workspace.images], collector, AMIS), collector, ())
    renderer = Renderer(workspace, PLUGINS)
    texts = {segment.name: renderer.text(segment) for segment in segments}
    (segment,) = (one for one in segments if one.name == "golden")
    return [one.fingerprint for one in segment.inputs.chain()], segment.tests, texts["golden"]


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("levels") / "factory", FACTORY)


@pytest.fixture(scope="module")
def before(factory: Path) -> tuple[object, ...]:
    """Golden as the factory itself sees it."""
    return golden(factory)


@pytest.fixture
def team(factory: Path) -> Iterator[Path]:
    """A folder beside the factory's."""
    root = factory.with_name("team")
    yield root
    shutil.rmtree(root)


@pytest.mark.parametrize("way", WEAKENINGS.values(), ids=WEAKENINGS)
def test_way_to_weaken_what_is_protected(factory: Path, before: tuple[object, ...], team: Path, way: Weakening) -> None:
    written(team, {**TEAM, **way.files})
    if way.refused:
        with pytest.raises(DefinitionError) as caught:
            golden(team, way.environment)
        assert way.refused.replace("FACTORY", str(factory)) in str(caught.value)
    elif way.environment == "lab":
        assert golden(team, way.environment) == before
    else:  # the factory has no such environment
        weakened = golden(team, way.environment)
        written(team, own(way.environment, ""))
        assert weakened == golden(team, way.environment)


@pytest.mark.parametrize("older", ["an older ref", "an edit on this machine"])
def test_image_stands_on_what_the_account_has_whatever_the_team_extends(factory: Path, team: Path, older: str) -> None:
    """A checkout without protection builds nothing of golden: its newest validated version is built on, and the
    fingerprints below the team's image are those with which that was built.
    """
    weak = {**FACTORY, "roles/system/files/motd": f"weak, by {older}\n"}
    extended = written(factory.with_name(older.replace(" ", "-")), weak)
    written(team, {**TEAM, "ami.yml": f"name: team\nextends: ../{extended.name}\n"})
    workspace = load(team)
    standing = {"golden": StandingImage.of(version("golden"), None)}
    collector = Collector(workspace, workspace.environment("lab"), NOW)
    (below, web) = cut(tree(workspace, ["web"], collector, AMIS, standing), collector, ())
    assert (below.name, below.fingerprint) == ("golden", version("golden").fingerprint)
    assert web.inputs.below is not None
    assert web.inputs.below.fingerprint == version("golden").fingerprint
    planned = steps((below, web), wanted={"web"}, account=known([version("golden")]), standing=standing)
    assert {step.name: str(step.action) for step in planned} == {"golden": "reuse", "web": "build"}


def test_ways_are_many_and_each_has_its_reason() -> None:
    assert len(WEAKENINGS) >= 40
    assert [name for name, way in WEAKENINGS.items() if not way.why.endswith(".")] == []


@pytest.mark.parametrize(
    "name",
    [
        "ANSIBLE_CONFIG", "ANSIBLE_ROLES_PATH", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_RUN_TAGS", "ANSIBLE_SKIP_TAGS",
        "ANSIBLE_FILTER_PLUGINS", "ANSIBLE_LIBRARY", "ANSIBLE_STRATEGY", "ANSIBLE_JINJA2_EXTENSIONS",
        "PKR_VAR_source_ami", "PKR_VAR_extra_vars", "PACKER_LOG", "PACKER_PLUGIN_MIN_PORT", "HCP_PACKER_BUCKET_NAME",
        "PYTHONPATH", "PYTHONSTARTUP", "MITOGEN_POOL_SIZE",
    ],
)  # fmt: skip
def test_variable_of_the_shell_does_not_reach_a_build(name: str) -> None:
    """Builds come out alike whoever starts them."""
    assert kept_out([name], Account("us-east-1")) == (name,)
