"""Layers: as `ami.yml` declares them, and as an image uses them.

Both are written as a name, or as a mapping of one name to what it has:

    layers:
      - base
      - workload: {roles: [nginx], vars: {nginx_worker_processes: 2}}
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue, StrictBool

from orchestrator.definition.frozen import Frozen

LayerName = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40, description="Lower-case letters, digits, _ and -.")
]
RoleName = Annotated[
    str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=64, description="Letters, digits, _ and -.")
]
VariableName = Annotated[
    str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Letters, digits and _; no digit first.")
]

Roles = Annotated[tuple[RoleName, ...], Field(description="Roles of the workspace, in the order they are applied.")]
Vars = Annotated[dict[VariableName, JsonValue], Field(description="Ansible variables for the layer's roles.")]


class Layer(Frozen):
    """A layer as `ami.yml` declares it. Nothing may be added to a protected one, and nothing of it replaced."""

    name: LayerName
    roles: Roles = ()
    vars: Vars = Field(default_factory=dict)
    protected: Annotated[StrictBool, Field(description="Images may use it as it is only.")] = False


class LayerUse(Frozen):
    """A layer as an image uses it: its roles follow those of the layer, its vars go over them."""

    name: LayerName
    roles: Roles = ()
    vars: Vars = Field(default_factory=dict)


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
    raise ValueError("must be the name of a layer, or one name with what it has, as in `workload: {roles: [nginx]}`")


#: `schema.py` gives these two the JSON Schema of the written form.
WrittenLayer = Annotated[Layer, BeforeValidator(as_named)]
WrittenLayerUse = Annotated[LayerUse, BeforeValidator(as_named)]
