"""Layers: as `ami.yml` declares them, and as an image uses them.

Both are written as a name, or as a mapping of one name to what it has:

    layers:
      - base
      - workload: {roles: [nginx], vars: {nginx_worker_processes: 2}}
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, JsonValue, StrictBool

from orchestrator.definition.machine.block import Machine
from orchestrator.definition.reading.frozen import Frozen
from orchestrator.definition.roles.entry import RoleName, VariableName, WrittenRole

LayerName = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_-]*$",
        max_length=40,
        description="Lower-case letters, digits, _ and -.",
        examples=["workload"],
    ),
]

VariantName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=40,
        description="Lower-case letters, digits and single hyphens, such as debian-13-arm64.",
        examples=["debian-13-arm64"],
    ),
]

#: The playbook and the fragment of every layer that has none of its own; no layer is called so.
DEFAULT = "default"


def playbook(layer: str) -> str:
    """Where a workspace has the playbook of a layer, from its root."""
    return f"playbooks/{layer}.yml"


def fragment(layer: str) -> str:
    """Where a workspace has the Packer fragment of a layer, from its root."""
    return f"packer/layers/{layer}.pkr.hcl.j2"


#: Seconds of the units that a span of time is written in.
_UNITS = {"h": 3600, "d": 86400, "w": 7 * 86400}

UpdateCycle = Annotated[
    str,
    Field(
        pattern=r"^[1-9][0-9]{0,3}[hdw]$",
        description="How old what the layer installs may get, as 12h, 7d or 4w: it is then built again.",
        examples=["7d"],
    ),
]


def seconds_of(span: str) -> int:
    """Seconds of a span of time such as 12h, 7d or 4w."""
    return int(span[:-1]) * _UNITS[span[-1]]


Roles = Annotated[
    tuple[WrittenRole, ...],
    Field(
        description="Roles in the order they are applied: names, or mappings of `role`.",
        examples=[["nginx", {"role": "tuning", "when": "ansible_processor_count > 1"}]],
    ),
]
Vars = Annotated[
    dict[VariableName, JsonValue],
    Field(description="Ansible variables for the layer's roles.", examples=[{"nginx_worker_processes": 2}]),
]
Untested = Annotated[
    dict[RoleName, Annotated[str, Field(min_length=1, max_length=1000, description="Why the role needs no tests.")]],
    Field(
        description="Roles of the layer that have no tests, each with the reason. It is part of every report.",
        examples=[{"geerlingguy.java": "tested by its maker"}],
    ),
]


class LayerAddition(Frozen):
    """What a layer has besides in one variant of an image: its roles follow the layer's, its vars go over them."""

    roles: Roles = ()
    vars: Vars = Field(default_factory=dict)
    untested: Untested = Field(default_factory=dict)


LayerVariants = Annotated[
    dict[VariantName, LayerAddition],
    Field(
        description="What the layer has besides, by the variant of an image.",
        examples=[{"debian-13": {"vars": {"nginx_worker_processes": 4}}}],
    ),
]


class Layer(Frozen):
    """A layer as `ami.yml` declares it. Nothing may be added to a protected one, and nothing of it replaced.

    `update_cycle` puts the current period of so many hours, days or weeks into the layer's fingerprint. `cache` ends a
    build at the layer, so that its AMI serves whatever comes to stand on it.
    """

    name: LayerName
    roles: Roles = ()
    vars: Vars = Field(default_factory=dict)
    untested: Untested = Field(default_factory=dict)
    variants: LayerVariants = Field(default_factory=dict)
    protected: Annotated[StrictBool, Field(description="Images may use it as it is only.", examples=[True])] = False
    update_cycle: Annotated[
        UpdateCycle | None,
        Field(
            description="How old what it installs may get, in hours, days or weeks: it is then built again.",
            examples=["7d"],
        ),
    ] = None
    cache: Annotated[
        StrictBool,
        Field(description="End a build here: the AMI is there for all that will stand on it.", examples=[True]),
    ] = False
    machine: Annotated[
        Machine,
        Field(
            description="What the layer is built on; over what ami.yml says.", examples=[{"root_volume": {"size": 20}}]
        ),
    ] = Machine()

    @property
    def cycle_seconds(self) -> int | None:
        """The update cycle in seconds, None when there is none."""
        return seconds_of(self.update_cycle) if self.update_cycle else None


class LayerUse(Frozen):
    """A layer as an image uses it: its roles follow those of the layer, its vars go over them."""

    name: LayerName
    roles: Roles = ()
    vars: Vars = Field(default_factory=dict)
    untested: Untested = Field(default_factory=dict)
    variants: LayerVariants = Field(default_factory=dict)


LayerT = TypeVar("LayerT", Layer, LayerUse)


def in_variant(layer: LayerT, variant: str) -> LayerT:
    """The layer as one variant of an image has it; an image without variants has the variant ""."""
    if variant not in layer.variants:
        return layer
    more: LayerAddition = layer.variants[variant]
    roles, variables = (*layer.roles, *more.roles), {**layer.vars, **more.vars}
    return layer.model_copy(update={"roles": roles, "vars": variables, "untested": {**layer.untested, **more.untested}})


def as_named(written: Any) -> Any:
    """The fields of a layer from the way it is written: a name, or a mapping of one name to the rest."""
    if isinstance(written, Frozen):
        return written
    if isinstance(written, str):
        return {"name": written}
    if isinstance(written, dict) and len(written) == 1:
        ((name, rest),) = written.items()
        if isinstance(rest, dict) and "name" not in rest:
            return {"name": name, **rest}
    raise ValueError("must be a name, or one name with what it has, as in `workload: {roles: [nginx]}`")


#: `schema.py` gives these two the JSON Schema of the written form.
WrittenLayer = Annotated[Layer, BeforeValidator(as_named)]
WrittenLayerUse = Annotated[LayerUse, BeforeValidator(as_named)]
