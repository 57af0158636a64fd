"""The shipped roles on a real machine: a second run changes nothing, and the seal cleans up after all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.definition.workspace import load
from orchestrator.plan.planned_layer import seal_of
from orchestrator.plan.stack import outlines
from tests.lab.dirt import dirt
from tests.lab.plays import REPOSITORY, play

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.lab.settings import Settings
    from orchestrator.plan.planned_layer import PlannedLayer

pytestmark = [pytest.mark.long(160), pytest.mark.thorough]


class Machine:
    """A machine to which layers of the shipped images are applied as builds do."""

    def __init__(self, bench: Any, key: Path) -> None:
        self.bench = bench
        self.id = bench.launch()
        bench.booted(self.id)
        self._address = bench.describe(self.id)["PrivateIpAddress"]
        self._key = key
        self._facts = load(REPOSITORY).environment("lab").extra_vars

    def apply(self, layer: PlannedLayer) -> int:
        """Apply a layer; returns how many tasks changed something."""
        variables = {**self._facts, **layer.vars, "layer_roles": layer.roles, "layer_name": layer.name}
        return play(layer.playbook, self._address, self._key, variables)["changed"]


@pytest.fixture(scope="module")
def machine(shared_bench: Any, key: Path) -> Machine:
    return Machine(shared_bench, key)


def test_layers_when_applied_twice(machine: Machine) -> None:
    """Every layer of the shipped images changes a fresh machine once, and never again."""
    workspace = load(REPOSITORY)
    stacks = {segment.image.name: segment for segment in outlines(workspace, workspace.images)}
    layers = [*stacks["golden"].layers, *stacks["web"].layers, *stacks["analytics"].layers]
    first = [machine.apply(layer) for layer in layers]
    second = [machine.apply(layer) for layer in layers]
    assert all(first)
    assert second == [0] * len(layers)


def test_disk_when_every_layer_is_sealed(machine: Machine, lab: Settings, ec2: Any) -> None:
    """Nothing of the builder is on it, whatever the services of the shipped images wrote until the machine stopped."""
    machine.apply(seal_of(load(REPOSITORY)))
    ec2.stop_instances(InstanceIds=[machine.id])
    machine.bench.wait(machine.id, "stopped")
    image = machine.bench.image(machine.id, "every-layer")
    assert dirt(lab, ec2, image) == []
    machine.bench.discard(image)
