"""The shipped roles on a real machine: a second run changes nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.build.environment import STRATEGY
from orchestrator.definition.workspace import load
from orchestrator.plan.stack import segments

if TYPE_CHECKING:
    from orchestrator.plan.segment import PlannedLayer

pytestmark = pytest.mark.long(150)

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent


def play(layer: PlannedLayer, address: str, key: Path, facts: dict[str, Any]) -> dict[str, int]:
    """Apply a layer to a machine as a build does; the numbers of Ansible's recap."""
    argv = [str(PROGRAMS / "ansible-playbook"), "-i", f"{address},", "-u", "admin", "--private-key", str(key)]
    argv += ["-e", json.dumps({**facts, **layer.vars, "layer_roles": layer.roles, "layer_name": layer.name})]
    env = {
        **os.environ,
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "ANSIBLE_HOST_KEY_CHECKING": "0",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_ROLES_PATH": str(REPOSITORY / "roles"),
        **STRATEGY,
    }
    done = subprocess.run([*argv, str(layer.playbook)], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: int(count) for name, count in re.findall(r"(ok|changed|failed)=(\d+)", done.stdout)}


def test_layers_when_applied_twice(bench: Any, key: Path) -> None:
    """Every layer of the shipped images changes a fresh machine once, and never again."""
    workspace = load(REPOSITORY)
    stacks = {segment.image.name: segment for segment in segments(workspace, workspace.images)}
    layers = [*stacks["golden"].layers, *stacks["web"].layers, *stacks["analytics"].layers]
    machine = bench.launch()
    bench.booted(machine)
    address = bench.describe(machine)["PrivateIpAddress"]
    facts = {**workspace.environment("lab").extra_vars}
    first = [play(layer, address, key, facts)["changed"] for layer in layers]
    second = [play(layer, address, key, facts)["changed"] for layer in layers]
    assert all(first)
    assert second == [0] * len(layers)
