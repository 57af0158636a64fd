"""What a real run of Ansible opens decides the fingerprint, by whatever way it is reached; other files do not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from orchestrator.definition.workspace import load
from orchestrator.plan.planned_layer import LayerPlanner
from orchestrator.plan.reach.search import FileSearch
from tests.thorough import examples
from tests.unit.plan.conftest import Planner
from tests.unit.plan.ways import NEVER, WAYS, Way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestrator.definition.environment import Environment

AMI = """\
name: factory
sources:
  debian-12: {filter: {name: "debian-*", owner: "136693071363"}, ssh_username: admin}
layers:
  - first: {roles: [app]}
  - other
"""
IMAGE = """\
name: image
description: an image
owner: {team: tests, email: tests@example.com}
from: debian-12
layers: [first]
"""
PLAY = """\
- hosts: all
  gather_facts: false
%s  tasks:
    - include_role: {name: "{{ one }}"}
      loop: "{{ layer_roles }}"
      loop_control: {loop_var: one}
"""
FRAME = {
    "ami.yml": AMI,
    "packer/images/image.yml": IMAGE,
    "packer/image.pkr.hcl.j2": "",
    "packer/layers/default.pkr.hcl.j2": "",
    "playbooks/seal.yml": "[]\n",
    "roles/seal/tasks/main.yml": "[]\n",
    # In the place of the built-in one, which computes names of files itself.
    "roles/ssm_agent/tasks/main.yml": "[]\n",
    ".gitignore": "made/\nroles/app/defaults/\n",
}
#: Writes down what Python opens, in Ansible and in all that it forks.
HOOK = """\
import os, sys
def hook(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)):
        os.write(LOG, os.path.abspath(os.fsencode(args[0])) + b"\\n")
LOG = os.open(os.environ["OPENED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.set_inheritable(LOG, True)
sys.addaudithook(hook)
"""


def write(root: Path, ways: Iterable[Way]) -> None:
    """A workspace whose role `app` goes all the ways."""
    ways = list(ways)
    files = FRAME | NEVER | {"playbooks/first.yml": PLAY % "".join(way.play for way in ways)}
    files["roles/app/tasks/main.yml"] = "".join(way.tasks for way in ways) or "[]\n"
    for way in ways:
        files |= way.files
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for way in ways:
        for name, to in way.links.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(to)


def opened(root: Path, beside: Path) -> set[Path]:
    """The files of the workspace that a real ansible-playbook opens, run as a build runs it; links resolved."""
    (beside / "hook").mkdir(parents=True)
    (beside / "hook/sitecustomize.py").write_text(HOOK)
    (beside / "out").mkdir()
    (beside / "ansible.cfg").write_text("[defaults]\n")
    given = {"layer_roles": ["app"], "out": str(beside / "out"), "ansible_python_interpreter": sys.executable}
    done = subprocess.run(
        [
            *(f"{Path(sys.executable).parent}/ansible-playbook", "-i", "target,", "-c", "local"),
            *("-e", json.dumps(given), f"{root}/playbooks/first.yml"),
        ],
        cwd=root,
        env={
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(beside / "hook"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OPENED": str(beside / "opened"),
            "ANSIBLE_CONFIG": str(beside / "ansible.cfg"),
            "ANSIBLE_HOME": str(beside / "home"),
            "ANSIBLE_ROLES_PATH": str(root / "roles"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    paths = {Path(os.path.realpath(line)) for line in (beside / "opened").read_text().splitlines()}
    return {path for path in paths if path.is_relative_to(root) and path.is_file()}


def decides(planner: Planner, path: Path, at: int) -> bool:
    """Whether another byte in a file changes the fingerprint of the image."""
    before, content = planner.segments()[0].fingerprint, path.read_bytes()
    at %= len(content)
    try:
        path.write_bytes(bytes([*content[:at], content[at] ^ 1, *content[at + 1 :]]))
        return planner.segments()[0].fingerprint != before
    finally:
        path.write_bytes(content)


@settings(
    max_examples=examples(2, 8),
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(ways=st.sets(st.sampled_from(sorted(WAYS)), min_size=4), at=st.integers(0, 1000))
def test_fingerprint_when_ansible_opens_a_file(
    tmp_path_factory: pytest.TempPathFactory, environment: Environment, ways: set[str], at: int
) -> None:
    """Every byte of what a run opens counts. Of other files only those of applied roles do, which count whole."""
    folder = tmp_path_factory.mktemp("ways")
    root = folder / "workspace"
    write(root, [WAYS[name] for name in sorted(ways)])
    read = opened(root, folder / "run")
    planner = Planner(load(root), environment)
    everything = {path for path in root.rglob("*") if path.is_file() and not path.is_symlink()}
    missed = {str(path.relative_to(root)) for path in read if not decides(planner, path, at)}
    assert missed == set()
    never = {str(path.relative_to(root)) for path in everything - read} & set(NEVER)
    assert never == set(NEVER)
    could_be = {name for way in ways for name in WAYS[way].could_be}
    assert {name for name in never if decides(planner, root / name, at)} <= could_be


@pytest.mark.parametrize("way", sorted(WAYS))
def test_fingerprint_when_a_way_is_gone(tmp_path: Path, environment: Environment, way: str) -> None:
    """Each way by itself reaches its files, and none of those that nobody opens."""
    write(tmp_path, [WAYS[way]])
    planner = Planner(load(tmp_path), environment)
    named = sorted(name for name in (*WAYS[way].files, "roles/app/tasks/main.yml", "playbooks/first.yml"))
    assert [name for name in named if not decides(planner, tmp_path / name, 0)] == []
    assert {name for name in NEVER if decides(planner, tmp_path / name, 0)} == set(WAYS[way].could_be)


def notes(root: Path, environment: Environment) -> tuple[str, ...]:
    workspace = load(root)
    return (
        FileSearch(workspace, environment)
        .of(LayerPlanner(workspace).planned(workspace.images["image"].layers[0], workspace.images["image"]))
        .notes
    )


def test_notes_when_a_role_is_computed(tmp_path: Path, environment: Environment) -> None:
    """What nobody can tell before it runs is said, with where it stands; what is written down is not."""
    write(tmp_path, [WAYS["a role that a task includes"]])
    assert notes(tmp_path, environment) == ()
    (tmp_path / "roles/app/tasks/main.yml").write_text("- include_role: {name: '{{ x }}'}\n")
    assert notes(tmp_path, environment) == (
        "roles/app/tasks/main.yml computes the name of a role ('{{ x }}'): every role counts that it could be",
    )


def test_notes_when_a_lookup_takes_what_is_in_no_file(tmp_path: Path, environment: Environment) -> None:
    """The plan says what makes an AMI stale without anything being built again, wherever an expression may stand."""
    write(tmp_path, [])
    (tmp_path / "roles/app/tasks/main.yml").write_text(
        "- debug: {msg: \"{{ lookup('env', 'BUILD_ID', default='none') }} {{ lookup('env', name) }}\"}\n"
        "- debug:\n  when: query('ansible.builtin.url', 'https://example.com/flag') != 'on'\n"
    )
    where, end = "roles/app/tasks/main.yml", "nothing is built again when the answer changes"
    assert notes(tmp_path, environment) == (
        f"{where} asks 'https://example.com/flag': {end}",
        f"{where} reads an environment variable, whose name is computed: {end}",
        f"{where} reads the environment variable 'BUILD_ID': {end}",
    )


@pytest.mark.parametrize(
    "task",
    [
        "- debug:\n  when: lookup('pipe', 'cat ../shared/unused.txt') == ''\n",
        "- debug: {msg: \"{{ lookup('pipe', 'cat ../shared/unused.txt') }}\"}\n",
        "- command: cat ../shared/unused.txt\n  delegate_to: localhost\n",
        "- local_action: {module: command, cmd: ls}\n",
    ],
)
def test_fingerprint_when_anything_may_be_read(
    tmp_path: Path, environment: Environment, task: str, written_ways: Callable[[Path], None]
) -> None:
    """A command on the builder may read any file of the workspace: all of them count, and the plan says why."""
    written_ways(tmp_path)
    (tmp_path / "roles/app/tasks/main.yml").write_text(task)
    assert decides(Planner(load(tmp_path), environment), tmp_path / "shared/unused.txt", 0)
    assert [note for note in notes(tmp_path, environment) if "every file of the workspace counts" in note]


@pytest.fixture
def written_ways() -> Callable[[Path], None]:
    return lambda root: write(root, [])


def test_fingerprint_when_the_factory_gives_the_name(tmp_path: Path, environment: Environment) -> None:
    """A variable of the layer goes over all others in Ansible, so that a role that it names is known."""
    write(tmp_path, [])
    (tmp_path / "roles/app/tasks/main.yml").write_text("- include_role: {name: '{{ x }}'}\n")
    (tmp_path / "roles/chosen/tasks").mkdir(parents=True)
    (tmp_path / "roles/chosen/tasks/main.yml").write_text("[]\n")
    (tmp_path / "ami.yml").write_text(AMI.replace("first: {roles", "first: {vars: {x: chosen}, roles"))
    planner = Planner(load(tmp_path), environment)
    assert decides(planner, tmp_path / "roles/chosen/tasks/main.yml", 0)
    assert not decides(planner, tmp_path / "roles/unused/tasks/main.yml", 0)
