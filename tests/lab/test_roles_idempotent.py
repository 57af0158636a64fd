"""The shipped roles on a real machine: a second run changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.definition.workspace import load
from orchestrator.plan.stack import segments
from tests.lab.plays import REPOSITORY, play

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.plan.segment import PlannedLayer

pytestmark = pytest.mark.long(150)


def apply(layer: PlannedLayer, address: str, key: Path, facts: dict[str, Any]) -> int:
    """Apply a layer to a machine as a build does; how many tasks changed something."""
    variables = {**facts, **layer.vars, "layer_roles": layer.roles, "layer_name": layer.name}
    return play(layer.playbook, address, key, variables)["changed"]


def test_layers_when_applied_twice(bench: Any, key: Path) -> None:
    """Every layer of the shipped images changes a fresh machine once, and never again."""
    workspace = load(REPOSITORY)
    stacks = {segment.image.name: segment for segment in segments(workspace, workspace.images)}
    layers = [*stacks["golden"].layers, *stacks["web"].layers, *stacks["analytics"].layers]
    machine = bench.launch()
    bench.booted(machine)
    address = bench.describe(machine)["PrivateIpAddress"]
    facts = {**workspace.environment("lab").extra_vars}
    first = [apply(layer, address, key, facts) for layer in layers]
    second = [apply(layer, address, key, facts) for layer in layers]
    assert all(first)
    assert second == [0] * len(layers)
