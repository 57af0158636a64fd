"""Roles as Ansible takes them: names with dots, roles of collections, entries with more than a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.workspace import load
from tests.unit.definition.conftest import AMI, SPECS, WEB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Mistakes = Callable[..., list[str]]

LIMITS = "collections/ansible_collections/acme/tools/roles/limits"


def web(roles: str, more: str = "") -> str:
    """The image web with roles, and with more keys of its layer."""
    return WEB.replace("[nginx]", roles).replace("      vars: {nginx_workers: 2}\n", more)


def test_roles_when_they_have_dots_or_come_from_a_collection(project: Callable[..., Path]) -> None:
    """Each is found by what Ansible calls it, and dependencies within a collection need not name it."""
    root = project(
        {
            "packer/images/web.yml": web("[acme.proxy, acme.tools.limits]"),
            "roles/acme.proxy/tasks/main.yml": "[]\n",
            f"{LIMITS}/meta/main.yml": "dependencies: [common, {src: 'https://git.example.com/acme.proxy.git'}]\n",
            f"{LIMITS}/../common/tasks/main.yml": "[]\n",
        }
    )
    workspace = load(root)
    found = workspace.roles_of(["acme.tools.limits"])
    assert found == ("acme.tools.common", "acme.proxy", "acme.tools.limits")
    assert workspace.role_path("acme.tools.limits") == root / LIMITS


def test_entry_when_it_says_all_that_it_can(project: Callable[..., Path]) -> None:
    """Ansible takes one text in the place of a list, and so do entries."""
    entry = "{role: nginx, vars: {nginx_workers: 3}, tags: web, when: true, become: false, become_user: www}"
    workspace = load(project({"packer/images/web.yml": web(f"[{entry}]")}))
    (written,) = workspace.image("web").layers[0].roles
    assert (written.role, written.vars, written.tags, written.when) == (
        "nginx",
        {"nginx_workers": 3},
        ("web",),
        ("true",),
    )
    assert (written.become, written.become_user, written.is_plain) == (False, "www", False)


@pytest.mark.parametrize(
    ("roles", "what"),
    [
        ("[ngnix]", "unknown role 'ngnix': there is no folder roles/ngnix (did you mean 'nginx'?)"),
        ("[{role: ngnix}]", "unknown role 'ngnix': there is no folder roles/ngnix (did you mean 'nginx'?)"),
        (
            "[a.b.c]",
            "unknown role 'a.b.c': there is no folder collections/ansible_collections/a/b/roles/c or roles/a.b.c",
        ),
        ("[{name: nginx}]", "entry 1 of 'roles' must name its role as `role: NAME`, and not as `name`"),
        (
            "[{role: nginx, delegate_to: localhost}]",
            "entry 1 of 'roles' takes no 'delegate_to': say it in the layer's playbook, or in the role",
        ),
        (
            "[{role: nginx, nginx_port: 1}]",
            "entry 1 of 'roles' has the unknown key 'nginx_port': write variables of the role below `vars`",
        ),
        ("[{role: nginx, wen: x}]", "entry 1 of 'roles' has the unknown key 'wen' (did you mean 'when'?)"),
        ("[5]", "entry 1 of 'roles' must be the name of a role, or `{role: NAME, ...}`"),
        (
            "[{role: nginx, vars: {nginx_wrkers: 1}}]",
            "the role 'nginx' takes no 'nginx_wrkers' (did you mean 'nginx_workers'?)",
        ),
        (
            "[{role: nginx, vars: {nginx_workers: {secret: 'env:X'}}}]",
            "'nginx_workers': a secret cannot stand here: set it in the layer's `vars`, or in encrypted group_vars",
        ),
    ],
)
def test_entry_when_it_is_wrong(mistakes: Mistakes, roles: str, what: str) -> None:
    """It is reported at its line, with the nearest right name."""
    assert mistakes({"packer/images/web.yml": web(roles)}) == [f"packer/images/web.yml:7: {what}"]


@pytest.mark.parametrize(
    ("untested", "tests", "what"),
    [
        ("{nginx: upstream tests it}", "", ""),
        ("{tls: upstream tests it}", "", ""),
        ("{ngnix: why}", "", "'untested' names 'ngnix', which the layer does not apply (did you mean 'nginx'?)"),
        ("{system: why}", "", "'untested' names 'system', which the layer does not apply"),
        ("{nginx: ''}", "", "'nginx' may not be empty"),
        ("{nginx: why}", "roles/nginx/tests/test_it.py", "the role 'nginx' has tests in {}: remove it from 'untested'"),
        ("{tls: why}", "tests/roles/tls/test_it.py", "the role 'tls' has tests in {}: remove it from 'untested'"),
        ("{nginx: why}", "roles/nginx/tests/test.yml", ""),
    ],
)
def test_untested_when_it_is_written(mistakes: Mistakes, tmp_path: Path, untested: str, tests: str, what: str) -> None:
    """It names roles of the layer that have no tests, and says why."""
    files = {"packer/images/web.yml": web("[nginx]", f"      untested: {untested}\n"), **({tests: ""} if tests else {})}
    where = tmp_path / "w" / tests.rpartition("/")[0]
    assert mistakes(files) == ([f"packer/images/web.yml:8: {what.format(where)}"] if what else [])


def test_untested_when_the_layer_is_protected(mistakes: Mistakes) -> None:
    golden = (
        "name: golden\ndescription: x\nowner: {team: t, email: t@example.com}\nfrom: debian-12\n"
        "layers:\n  - base: {untested: {system: why}}\n  - agents\n"
    )
    what = "layer 'base' is protected: an image may not leave roles untested in it"
    assert mistakes({"packer/images/golden.yml": golden}) == [f"packer/images/golden.yml:6: {what}"]


def test_group_vars_when_they_would_change_a_protected_layer(mistakes: Mistakes, project: Callable[..., Path]) -> None:
    """A workspace cannot say what a protected layer of the one that it extends gets."""
    base = project(folder="base")
    ami = "name: team\nextends: ../base\n"
    (found,) = mistakes({"ami.yml": ami, "group_vars/base.yml": "x: 1\n"}, whole=False)
    where = base / "ami.yml"
    assert found == f"group_vars/base.yml: layer 'base' is protected by {where}: its variables cannot be set here"


def test_argument_specs_when_they_stand_in_meta_main(mistakes: Mistakes) -> None:
    """Ansible reads them there too, when there is no file of their own."""
    files = {
        "roles/nginx/meta/argument_specs.yml": None,
        "roles/nginx/meta/main.yml": f"dependencies: [tls]\n{SPECS % 'nginx_threads'}",
    }
    assert AMI
    what = "no role of the layer takes 'nginx_workers' (did you mean 'nginx_threads'?)"
    assert mistakes(files) == [f"packer/images/web.yml:8: {what}"]
