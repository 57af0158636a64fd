"""Variables that nothing names: a plan warns of them, with file and line."""

from __future__ import annotations

import pytest

from orchestrator.definition.workspace import load
from orchestrator.plan.inputs import Collector
from orchestrator.plan.modules import written_in_vain
from orchestrator.plan.tree import cut, tree
from tests.unit.plan.conftest import NOW, Planner

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
    return [str(one) for one in written_in_vain(workspace, collector, segments)]


@pytest.fixture
def here(written: Planner, monkeypatch: pytest.MonkeyPatch) -> Planner:
    monkeypatch.chdir(written.workspace.root)
    return written


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
