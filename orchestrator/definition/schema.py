"""JSON Schemas of the YAML files that people write, made from the models that read them.

Editors complete and check with them; `docs/schema/` holds them as `ami schema --out docs/schema` writes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.definition.image import Image
from orchestrator.definition.workspace_file import WorkspaceFile

if TYPE_CHECKING:
    from orchestrator.definition.reading.frozen import Frozen

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """The schemas by the name of their file."""
    return {"ami.schema.json": _schema(WorkspaceFile), "image.schema.json": _schema(Image)}


def _schema(model: type[Frozen]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    for layer in ("Layer", "LayerUse", "Variant"):
        if layer in definitions:
            definitions[layer] = _as_written(definitions[layer])
    if model is Image:
        schema["anyOf"] = [{"required": ["from"]}, {"required": ["variants"]}]
        del schema["properties"]["from"]["default"]
    for part in definitions.values():
        _closed_vars(part)
    if "RoleEntry" in definitions:
        definitions["RoleEntry"] = _entry_as_written(definitions["RoleEntry"])
    if "Source" in definitions:
        source = _without_name(definitions["Source"])[1]
        source["oneOf"] = [{"required": [way]} for way in ("filter", "ami_id", "ssm_parameter")]
    return {"$schema": _DIALECT, **schema}


def _as_written(schema: dict[str, Any]) -> dict[str, Any]:
    """A layer or a variant is written as its name, or as one name with its fields below it; see `layer.as_named`."""
    name, fields = _without_name(schema)
    _closed_vars(fields)
    description = fields.pop("description", "")
    named = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": fields}
    return {"anyOf": [name, {**named, "propertyNames": name}], "description": description}


def _closed_vars(schema: dict[str, Any]) -> None:
    """Refuse the keys that the patterns of `patternProperties` do not fit."""
    for key in ("vars", "variants", "untested"):
        if "patternProperties" in (entry := schema.get("properties", {}).get(key, {})):
            entry["additionalProperties"] = False


def _entry_as_written(schema: dict[str, Any]) -> dict[str, Any]:
    """A role is written as its name, or as a mapping; see `entry.as_entry`."""
    fields = schema["properties"]
    for key, single in (("tags", ["string"]), ("when", ["string", "boolean"])):
        described = {name: fields[key].pop(name) for name in ("description", "title", "default")}
        fields[key] = {"anyOf": [{"type": single}, fields[key]], **described}
    return {"anyOf": [fields["role"], schema], "description": schema.pop("description")}


def _without_name(schema: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of the name, and that of the rest: the name is the key above it."""
    name = schema["properties"].pop("name")
    schema["required"] = [key for key in schema["required"] if key != "name"]
    return name, schema
