"""Which bytes decide a fingerprint, and which do not."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.definition.levels import extended
from orchestrator.definition.levels.extended import BUILTIN_ROOT
from orchestrator.definition.workspace import load
from orchestrator.plan.inputs import period
from tests.thorough import examples
from tests.unit.plan.conftest import BUILTIN, Planner

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace

PROJECT = Path(__file__).parents[3]

STACKS = {
    "golden": ("start", "base", "hardening", "agents"),
    "web": ("start", "base", "hardening", "agents", "workload"),
    "analytics": ("start", "base", "hardening", "agents", "workload"),
}
#: The layer of each shipped role, and the images that have it there.
ROLES = {
    "system": "base", "packages": "base",
    "hardening_ssh": "hardening", "hardening_sysctl": "hardening", "hardening_accounts": "hardening",
    "ssm_agent": "agents", "node_exporter": "agents", "audit": "agents",
    "nginx": "workload", "postgresql": "workload", "seal": "start",
}  # fmt: skip
ONLY = {"nginx": {"web"}, "postgresql": {"analytics"}}


def files() -> list[str]:
    """Every file of the workspace that a build or a test reads."""
    folders = [(PROJECT, "roles"), *((BUILTIN_ROOT, name) for name in BUILTIN)]
    found = [path.relative_to(root) for root, name in folders for path in (root / name).rglob("*") if path.is_file()]
    return sorted(str(path) for path in found if "__pycache__" not in path.parts)


def above(path: str) -> set[tuple[str, str]]:
    """The (image, layer) whose fingerprints a file decides, told from the layout alone."""
    parts = Path(path).parts
    if parts[0] == "roles":
        if "tests" in parts or parts[-1] == "README.md":
            return set()
        layer, images = ROLES[parts[1]], ONLY.get(parts[1], set(STACKS))
    elif parts[0] == "playbooks":
        stem = Path(path).stem
        layer, images = {"seal": "start", "default": "base"}.get(stem, stem), set(STACKS)
    else:
        layer, images = "start", set(STACKS)
    return {
        (image, one)
        for image in images
        if layer in STACKS[image]
        for one in STACKS[image][STACKS[image].index(layer) :]
    }


@pytest.fixture
def unchanged(shipped: Planner) -> dict[tuple[str, str], str]:
    """The fingerprints before anything is changed."""
    return shipped.fingerprints()


@settings(max_examples=examples(30, 120), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_when_changed_changes_the_fingerprints_above_and_no_other(
    shipped: Planner, unchanged: dict[tuple[str, str], str], data: st.DataObject
) -> None:
    """A changed, added or removed byte of any file reaches exactly the layers that the file decides, and all above."""
    name = data.draw(st.sampled_from(files()))
    path = shipped.workspace.root / name
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content)))
    other = data.draw(st.integers(1, 255))
    changed = (
        bytes([*content[:at], content[at] ^ other, *content[at + 1 :]])
        if at < len(content)
        else content + bytes([other])
    )
    try:
        path.write_bytes(changed)
        after = shipped.fingerprints()
    finally:
        path.write_bytes(content)
    assert {key for key in unchanged if unchanged[key] != after[key]} == above(name)


def test_fingerprints_when_the_workspace_lies_elsewhere(
    shipped: Planner, tmp_path: Path, copied: Callable[[Path], Workspace]
) -> None:
    """Place, time of writing, umask and leftovers of Python do not count."""
    other = copied(tmp_path / "some/where else")
    for path in other.root.rglob("*"):
        os.utime(path, (0, 0))
        path.chmod((path.stat().st_mode & 0o100) | 0o600 | (0o100 if path.is_dir() else 0))
    (other.root / "roles/nginx/tests/__pycache__").mkdir()
    (other.root / "roles/nginx/tests/__pycache__/test_nginx.pyc").write_bytes(b"compiled")
    moved = replace(shipped, workspace=load(other.root))
    assert moved.fingerprints() == shipped.fingerprints()
    assert moved.tests() == shipped.tests()


def test_fingerprints_when_the_package_lies_elsewhere(
    tmp_path: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The built-in workspace counts by its content, also where the repository around it ignores the environment."""
    here = Planner(load(PROJECT), environment)
    installed = tmp_path / ".venv/lib/python3.11/site-packages/orchestrator/builtin"
    shutil.copytree(BUILTIN_ROOT, installed)
    (tmp_path / ".gitignore").write_text(".venv/\n")
    monkeypatch.setattr(extended, "BUILTIN_ROOT", installed)
    there = Planner(load(PROJECT), environment)
    assert there.workspace.find("playbooks/seal.yml").is_relative_to(installed)
    assert there.fingerprints() == here.fingerprints()
    assert there.tests() == here.tests()
    (installed / "roles/seal/defaults/main.yml").write_text("seal_package_lists: /nowhere\n")
    assert not set(there.fingerprints().values()) & set(here.fingerprints().values())


def test_fingerprints_when_a_file_becomes_executable(written: Planner) -> None:
    """The bit that git keeps counts."""
    before = written.fingerprints()
    (written.workspace.root / "roles/nginx/templates/etc/nginx/nginx.conf.j2").chmod(0o755)
    after = written.fingerprints()
    assert {key for key in before if before[key] != after[key]} == {("web", "workload")}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("nginx for the customer portal", "another description"),
        ("team: portal", "team: shop"),
        ("---", "---\n# a comment"),
        ("from: golden", "from: golden\ntags: {cost-center: '42'}"),
    ],
)
def test_fingerprints_when_what_is_only_said_changes(written: Planner, old: str, new: str) -> None:
    """A description, an owner, a comment or a tag of a definition rebuilds nothing."""
    path = written.workspace.root / "packer/images/web.yml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    changed = replace(written, workspace=load(written.workspace.root))
    assert changed.fingerprints() == written.fingerprints()


def test_fingerprints_when_a_variable_changes(written: Planner) -> None:
    """A layer's variables count where they are given."""
    path = written.workspace.root / "packer/images/web.yml"
    path.write_text(path.read_text().replace("nginx_worker_processes: 2", "nginx_worker_processes: 3"))
    before, after = written.fingerprints(), replace(written, workspace=load(written.workspace.root)).fingerprints()
    assert {key for key in before if before[key] != after[key]} == {("web", "workload")}


def test_fingerprints_when_the_environment_changes(shipped: Planner) -> None:
    """What reaches the machine counts, where and how big it is built does not."""
    before = shipped.fingerprints()

    def planned(**given: object) -> dict[tuple[str, str], str]:
        return replace(shipped, environment=shipped.environment.model_copy(update=given)).fingerprints()

    assert planned(instance_type="m5.large", region="eu-west-1", subnet_id="subnet-1") == before
    for other in ({"extra_vars": {"mirror": "https://mirror.example.com"}}, {"kms_key_id": "alias/images"}):
        assert not set(planned(**other).values()) & set(before.values())


def test_fingerprints_when_the_source_has_a_new_ami(shipped: Planner) -> None:
    """The AMI that a source means today is an input of everything on it."""
    assert not set(replace(shipped, source_ami="ami-newer").fingerprints().values()) & set(
        shipped.fingerprints().values()
    )


def test_tests_when_a_test_changes(written: Planner) -> None:
    """A changed test has another fingerprint in the images that carry its role, and no build follows from it."""
    before, tests = written.fingerprints(), written.tests()
    path = written.workspace.root / "roles/nginx/tests/test_nginx.py"
    path.write_text(path.read_text() + "\n# more\n")
    assert written.fingerprints() == before
    after = written.tests()
    assert {name for name in tests if tests[name] != after[name]} == {"web"}


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("roles/nginx/tests/helpers.py", {"web"}),
        ("roles/nginx/conftest.py", {"web"}),
        ("roles/conftest.py", {"golden", "web", "analytics"}),
        ("roles/beside_the_conftest.py", {"golden", "web", "analytics"}),
        ("conftest.py", {"golden", "web", "analytics"}),
        ("setup.py", set()),
        ("roles/nginx/README.md", set()),
    ],
)
def test_tests_when_what_they_import_changes(name: str, images: set[str], written: Planner) -> None:
    """Modules beside the tests, each conftest.py above them, and the modules beside one; no others."""
    (written.workspace.root / "roles/conftest.py").write_text("")
    tests = written.tests()
    (written.workspace.root / name).write_text("# changed\n")
    after = written.tests()
    assert {image for image in tests if tests[image] != after[image]} == images


def test_fingerprints_when_a_period_ends(written: Planner) -> None:
    """A layer with an update cycle, and all above it, change with the period and only then."""
    path = written.workspace.root / "ami.yml"
    path.write_text(path.read_text().replace("hardening: {roles", "hardening: {update_cycle: 7d, roles"))
    planner = replace(written, workspace=load(written.workspace.root))
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    before = planner.at(monday).fingerprints()
    assert planner.at(monday + timedelta(days=6, hours=23, minutes=59)).fingerprints() == before
    after = planner.at(monday + timedelta(days=7)).fingerprints()
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {key for key in before if key[1] not in ("start", "base")}


@given(st.integers(1, 10_000), st.integers(700_000_000, 4_000_000_000))
def test_period_when_a_cycle_has_passed(hours: int, seconds: int) -> None:
    """One cycle later it is the next period, and never earlier than the one before."""
    cycle, now = hours * 3600, datetime.fromtimestamp(seconds, UTC)
    assert period(cycle, now + timedelta(seconds=cycle)) == period(cycle, now) + 1
    assert period(cycle, now + timedelta(seconds=1)) in (period(cycle, now), period(cycle, now) + 1)


def test_fingerprints_when_a_file_beside_the_playbooks_changes(written: Planner) -> None:
    """Whatever lies beside the playbooks may be used by any of them."""
    before = written.fingerprints()
    (written.workspace.root / "playbooks/tasks").mkdir()
    (written.workspace.root / "playbooks/tasks/more.yml").write_text("[]\n")
    after = written.fingerprints()
    assert not set(after.values()) & set(before.values())


def test_fingerprints_when_a_layer_gets_a_playbook_of_its_own(written: Planner) -> None:
    """It counts for that layer, and the default one, changed, for those that have it."""
    root = written.workspace.root
    default, own = root / "playbooks/default.yml", root / "playbooks/workload.yml"
    before = written.fingerprints()
    own.write_text(default.read_text().replace("a layer", "the workload"))
    after = written.fingerprints()
    assert {key for key in before if before[key] != after[key]} == {("web", "workload"), ("analytics", "workload")}
    default.write_text(default.read_text().replace("a layer", "any layer"))
    changed = written.fingerprints()
    assert {key for key in after if after[key] == changed[key] and key[1] != "start"} == set()


def test_fingerprints_when_a_layer_has_a_fragment_of_its_own(written: Planner) -> None:
    """A layer's own fragment counts, and so does the one that it extends."""
    root = written.workspace.root
    before = written.fingerprints()
    (root / "packer/layers/workload.pkr.hcl.j2").write_text('{% extends "layers/default.pkr.hcl.j2" %}\n')
    extending = written.fingerprints()
    assert {key for key in before if before[key] != extending[key]} == {("web", "workload"), ("analytics", "workload")}
    default = root / "packer/layers/default.pkr.hcl.j2"
    default.write_text(default.read_text() + "\n")
    after = written.fingerprints()
    assert not {key for key in after if after[key] == extending[key]}
