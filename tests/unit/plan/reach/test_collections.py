"""A collection counts for the layers that use it, and for no other; `ansible.cfg` counts for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.plan.reach.collections import computed, uses

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.plan.conftest import Planner

#: The only layer of the shipped workspace that the portal's team has for itself.
WEB = {("web", "workload")}
TASK = "\n- name: Use it\n  {}: {{}}\n"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def collection(planner: Planner, name: str, *, brought: bool = False, more: str = "") -> Path:
    """A collection with a module, beside `ami.yml` or as `requirements.yml` brings it."""
    space, short = name.split(".")
    root = planner.workspace.root
    folder = root / "collections/ansible_collections" / space / short
    if brought:
        link = root / ".ami/deps/collections/ansible_collections" / space / short
        folder = root.parent / "cache" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder)
    write(folder / "galaxy.yml", f"namespace: {space}\nname: {short}\nversion: 1.0.0\n{more}")
    write(folder / "plugins/modules/mark.py", "")
    return folder


def changed(planner: Planner, path: Path) -> set[tuple[str, str]]:
    """The layers of images whose fingerprints change when a file does."""
    before = planner.fingerprints()
    write(path, path.read_text() + "\n# changed\n")
    after = planner.fingerprints()
    return {key for key in before if before[key] != after[key]}


def use(planner: Planner, text: str, role: str = "nginx") -> None:
    tasks = planner.workspace.root / f"roles/{role}/tasks/main.yml"
    write(tasks, tasks.read_text() + text)


@pytest.mark.parametrize("brought", [False, True])
def test_collection_when_one_team_uses_it(written: Planner, *, brought: bool) -> None:
    """It counts for that layer, and so does what it depends on; one whose name is longer does not."""
    root = written.workspace.root
    if brought:  # what git ignores here says nothing of what comes from elsewhere
        write(root / ".gitignore", ".ami/\nplugins/\n")
    net = collection(written, "acme.net", brought=brought, more='dependencies: {acme.files: ">=1"}\n')
    files = collection(written, "acme.files", brought=brought)
    other = collection(written, "acme.network", brought=brought)
    use(written, TASK.format("acme.net.mark"))
    module = "plugins/modules/mark.py"
    assert changed(written, net / module) == WEB
    assert changed(written, files / module) == WEB
    assert changed(written, other / module) == set()
    write(net / "README.md", "")
    assert changed(written, net / "README.md") == set()


def test_collection_when_what_is_used_is_computed(written: Planner) -> None:
    """Every collection counts that could be meant, and the plan says why."""
    net = collection(written, "acme.net")
    use(written, '\n- name: Use it\n  action: "{{ nginx_module }}"\n')
    assert changed(written, net / "plugins/modules/mark.py") == WEB
    notes = {note for one in written.segments() for inputs in one.inputs.chain() for note in inputs.notes}
    assert [note for note in notes if note.endswith("every collection counts")]


def test_role_when_it_is_brought(written: Planner) -> None:
    """It counts for the layer that names it, under the name that it has in every workspace."""
    root = written.workspace.root
    write(root.parent / "cache/role/tasks/main.yml", "[]\n")
    (root / ".ami/deps/roles").mkdir(parents=True)
    (root / ".ami/deps/roles/acme.proxy").symlink_to(root.parent / "cache/role")
    use(written, "\n- ansible.builtin.include_role: {name: acme.proxy}\n")
    assert changed(written, root.parent / "cache/role/tasks/main.yml") == WEB
    (web,) = (one for one in written.segments() if one.name == "web")
    assert "roles/acme.proxy" in {part.name for part in web.inputs.parts}


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("[defaults]\nforks = 20\nstdout_callback = yaml\n[galaxy]\nserver_list = own\n[colors]\nok = blue\n", False),
        ("# a comment\n[defaults]\n", False),
        ("[defaults]\ngathering = explicit\n", True),
        ("[privilege_escalation]\nbecome_method = su\n", True),
        ("not an ini file", True),
    ],
)
def test_ansible_cfg_when_it_is_written(written: Planner, text: str, *, counts: bool) -> None:
    """What can decide a result counts for every layer; how Ansible speaks and waits does not."""
    before = written.fingerprints()
    write(written.workspace.root / "ansible.cfg", text)
    after = written.fingerprints()
    assert {key for key in before if before[key] != after[key]} == (set(before) if counts else set())


@pytest.mark.parametrize(
    ("text", "name", "used"),
    [
        ("acme.net.mark:", "acme.net", True),
        ("collections: [acme.net]", "acme.net", True),
        ("from ansible_collections.acme.net.plugins import x", "acme.net", True),
        ("{{ x | acme.net.loud }}", "acme.net", True),
        ("acme.network.mark:", "acme.net", False),
        ("my-acme.net", "acme.net", False),
        ("- sysctl: {name: x}", "ansible.posix", True),
        ("- ansible.builtin.sysctl: {name: x}", "ansible.posix", True),
        ("- action: sysctl name=x", "ansible.posix", True),
        ("{{ x | json_query('a') }}", "community.general", True),
        ("{{ x is version('1') }} the sysctl of a kernel", "ansible.posix", False),
    ],
)
def test_text_when_it_uses_a_collection(text: str, name: str, *, used: bool) -> None:
    """By its name, or by a short one that ansible-core has moved there."""
    assert uses(text.encode(), name) is used


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('action: "{{ x }}"', True),
        ("{{ a | map(f) }}", True),
        ("{{ a | map('acme.net.f') | map(attribute='x') }}", False),
        ("action: copy", False),
    ],
)
def test_text_when_it_computes_a_name(text: str, *, found: bool) -> None:
    assert bool(computed(text.encode())) is found
