"""What a build's roles lack, and variables that nothing names: said by a plan, with file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.workspace import load
from orchestrator.errors import DefinitionError
from orchestrator.plan.inputs import Collector
from orchestrator.plan.material import checked
from orchestrator.plan.tree import cut, tree
from tests.unit.plan.conftest import NOW, Planner

if TYPE_CHECKING:
    from pathlib import Path

FIREWALL = "collections/ansible_collections/acme/tools"
SPECS = "roles/nginx/meta/argument_specs.yml"


def warnings(written: Planner, files: dict[str, str | None]) -> list[str]:
    """The warnings of a plan with some files written (None removes one), with paths from the workspace."""
    root = written.workspace.root
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).unlink() if text is None else (root / name).write_text(text)
    workspace = load(root)
    collector = Collector(workspace, written.environment, NOW)
    amis = dict.fromkeys(workspace.sources, "ami-debian")
    segments = cut(tree(workspace, ["web"], collector, amis), collector, ())
    return [str(one) for one in checked(workspace, collector, segments)]


@pytest.fixture
def here(written: Planner, monkeypatch: pytest.MonkeyPatch) -> Planner:
    monkeypatch.chdir(written.workspace.root)
    return written


def tasks(root: Path) -> str:
    return (root / "roles/nginx/tasks/main.yml").read_text()


@pytest.mark.parametrize(
    ("task", "what"),
    [
        ("acme.tools.firewal: {}", "the collection 'acme.tools' has no module 'firewal' (did you mean 'firewall'?)"),
        ("action: {module: acme.tols.firewall}", "(did you mean 'acme.tools'?): name it in requirements.yml"),
        ("block: [{acme.tools.gone: {}}]", "the collection 'acme.tools' has no module 'gone'"),
        ("acme.tools.firewall: {}", ""),
        ("acme.tools.moved: {}", ""),
        ("ansible.builtin.command: acme.nothing.there", ""),
    ],
)
def test_module_when_a_collection_lacks_it(here: Planner, task: str, what: str) -> None:
    """It is an error in a file that every build loads."""
    before = tasks(here.workspace.root)
    files: dict[str, str | None] = {
        f"{FIREWALL}/plugins/modules/firewall.py": "",
        f"{FIREWALL}/meta/runtime.yml": "plugin_routing: {modules: {moved: {redirect: acme.other.moved}}}\n",
        "roles/nginx/tasks/main.yml": f"{before}\n- {task}\n",
    }
    if not what:
        assert warnings(here, files) == []
        return
    with pytest.raises(DefinitionError) as error:
        warnings(here, files)
    (problem,) = error.value.problems
    assert str(problem.path) == "roles/nginx/tasks/main.yml"
    assert problem.line == len(before.splitlines()) + 2
    assert what in problem.what


def test_module_when_its_file_may_not_be_loaded(here: Planner) -> None:
    """A task file of another system names what this one does not need."""
    (warning,) = warnings(here, {"roles/nginx/tasks/RedHat.yml": "- acme.tools.firewall: {}\n"})
    assert warning.startswith("roles/nginx/tasks/RedHat.yml:1: no collection 'acme.tools' is here")
    imported = tasks(here.workspace.root) + "\n- ansible.builtin.import_tasks: RedHat.yml\n"
    with pytest.raises(DefinitionError):
        warnings(here, {"roles/nginx/tasks/main.yml": imported})


def test_variable_when_nothing_names_it(here: Planner) -> None:
    """Without argument specs nobody knows what a role takes: a name that no file has is worth a warning."""
    image = (here.workspace.root / "packer/images/web.yml").read_text()
    assert warnings(here, {SPECS: None}) == []
    wrong = image.replace("nginx_worker_processes", "nginx_worker_proceses")
    line = 1 + wrong[: wrong.index("nginx_worker_proceses")].count("\n")
    what = "nothing in the roles of layer 'workload' names the variable 'nginx_worker_proceses'"
    near = " (did you mean 'nginx_worker_processes'?)"
    assert warnings(here, {"packer/images/web.yml": wrong}) == [f"packer/images/web.yml:{line}: {what}{near}"]
    entry = image.replace("[nginx]", "[{role: nginx, vars: {nginx_root: /srv, nginx_rot: /srv}}]")
    assert [one for one in warnings(here, {"packer/images/web.yml": entry}) if "'nginx_rot'" in one]
