"""What a layer uses of collections is there, or it is told with file, line and the nearest name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.plan.modules import problems_of_modules
from tests.unit.plan.reach.test_collections import collection, use

if TYPE_CHECKING:
    from tests.unit.plan.conftest import Planner


NOWHERE = "no requirement brings it, and it is not on this machine"


def told(planner: Planner) -> list[str]:
    layers = [layer for segment in planner.segments() for layer in segment.layers]
    root = planner.workspace.root
    return [
        f"{one.path.relative_to(root)}: {one.what}"
        for one in problems_of_modules(planner.workspace, layers)
        if one.line
    ]


def test_shipped_workspace_misses_nothing(shipped: Planner) -> None:
    assert told(shipped) == []


@pytest.mark.parametrize(
    ("task", "what"),
    [
        ("acme.net.mark: {}", ""),
        ("acme.net.mrak: {}", "the collection 'acme.net' has no module 'mrak' (did you mean 'mark'?)"),
        ("acme.net.old: {}", ""),
        ("acme.nte.mark: {}", f"no collection 'acme.nte': {NOWHERE} (did you mean 'acme.net'?)"),
        (
            "block: [{acme.net.mrak: {}}]",
            "the collection 'acme.net' has no module 'mrak' (did you mean 'mark'?)",
        ),
        (
            "ansible.builtin.include_role: {name: acme.net.prxoy}",
            "the collection 'acme.net' has no role 'prxoy' (did you mean 'proxy'?)",
        ),
        ("ansible.builtin.include_role: {name: acme.net.proxy}", ""),
        ("vars: {net.ipv4.ip_forward: 1}\n  ansible.builtin.debug: {}", ""),
    ],
)
def test_task_when_it_uses_a_collection(written: Planner, task: str, what: str) -> None:
    """A module, a role, one that moved away; keys of a variable are no modules."""
    folder = collection(written, "acme.net")
    (folder / "meta").mkdir()
    (folder / "meta/runtime.yml").write_text("plugin_routing: {modules: {old: {redirect: acme.new.old}}}\n")
    (folder / "roles/proxy").mkdir(parents=True)
    use(written, f"\n- name: Use it\n  {task}\n")
    assert told(written) == ([f"roles/nginx/tasks/main.yml: {what}"] if what else [])
