"""The reference of what people write, as data: for each file its models, for each model its keys.

It is made of the JSON Schemas, and so of the models themselves. `cli/documents/reference.py` makes pages of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from orchestrator.definition.environment import NOT_WRITTEN, Environment
from orchestrator.definition.schema import schemas

Schema = Mapping[str, Any]
#: Writes a value as the file's language has it.
Writer = Callable[[Any], str]


_REFERENCE = re.compile(r'"#/\$defs/(\w+)"')
_CAPITAL = re.compile(r"(?<!^)[A-Z]")


@dataclass(frozen=True)
class ReferenceKey:
    """One key: what it takes, what it is without it, an example, and what it means."""

    name: str
    #: In words: `list of roles`. Other tables are named as `[Machine](#machine)`.
    takes: str
    #: As it is written; empty when there is none, and `required` is False.
    default: str
    required: bool
    example: str
    description: str


@dataclass(frozen=True)
class ReferenceTable:
    """The keys of one mapping."""

    title: str
    description: str
    keys: tuple[ReferenceKey, ...]


def tables_of_workspace() -> tuple[ReferenceTable, ...]:
    """`ami.yml`."""
    return _tables(schemas()["ami.schema.json"], "Keys", as_yaml)


def tables_of_image() -> tuple[ReferenceTable, ...]:
    """`packer/images/NAME.yml`."""
    return _tables(schemas()["image.schema.json"], "Keys", as_yaml)


def tables_of_environment() -> tuple[ReferenceTable, ...]:
    """`packer/environments/NAME.pkrvars.hcl`."""
    schema = Environment.model_json_schema()
    for name in NOT_WRITTEN:
        del schema["properties"][name]
        schema["required"] = [each for each in schema["required"] if each != name]
    return _tables(schema, "Keys", as_hcl)


def as_yaml(value: Any) -> str:
    """A value in one line of YAML."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=2**20, sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...").strip()


def as_hcl(value: Any) -> str:
    """A value in one line of HCL."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {as_hcl(each)}" for key, each in value.items()) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_hcl, value)) + "]"
    return json.dumps(value)


def _tables(schema: Schema, title: str, write: Writer) -> tuple[ReferenceTable, ...]:
    """The table of a file, and those of what it names, each after the one that names it first."""
    parts = {"": {key: value for key, value in schema.items() if key != "$defs"}, **schema.get("$defs", {})}
    order = [""]
    for name in order:
        text = json.dumps(parts[name])
        named = (each for each in _REFERENCE.findall(text) if each not in order and _mapping(parts[each]))
        order += dict.fromkeys(named)
    return tuple(_table(_heading(name) if name else title, parts[name], parts, write) for name in order)


def _table(title: str, part: Schema, parts: Mapping[str, Schema], write: Writer) -> ReferenceTable:
    described = _sentences(part.get("description", "").partition("\n\n")[0])
    if any("propertyNames" in form for form in part.get("anyOf", ())):
        described += " It is written as its name alone, or as one name with these keys below it."
    return ReferenceTable(title, described, _keys(_mapping(part), parts, write))


def _heading(model: str) -> str:
    """`Layer use` of `LayerUse`."""
    return _CAPITAL.sub(lambda found: f" {found[0].lower()}", model)


def _mapping(schema: Schema) -> Schema:
    """The mapping with the keys: what may also be written as a name alone has it below `anyOf`. Empty without one."""
    for form in (schema, *schema.get("anyOf", ())):
        for found in (form, form.get("additionalProperties")):
            if isinstance(found, dict) and "properties" in found:
                return found
    return {}


def _keys(schema: Schema, parts: Mapping[str, Schema], write: Writer) -> tuple[ReferenceKey, ...]:
    required = schema.get("required", ())
    return tuple(
        ReferenceKey(
            name=name,
            takes=_takes(field, parts),
            default=_default(field, write),
            required=name in required,
            example=" or ".join(f"`{write(each)}`" for each in _found(field, "examples") or ()),
            description=_sentences(_found(field, "description") or ""),
        )
        for name, field in schema.get("properties", {}).items()
    )


def _found(field: Schema, what: str) -> Any:
    """What a field says, or the type of its values does: a key that may be left out has it one level below."""
    return next((each[what] for each in (field, *_forms(field)) if what in each), None)


def _forms(field: Schema) -> tuple[Schema, ...]:
    """The ways to write a field, but for leaving it out."""
    return tuple(form for form in field.get("anyOf", ()) if form.get("type") != "null")


def _default(field: Schema, write: Writer) -> str:
    """A default that says something: of a block that is left out there is nothing to say."""
    default = field.get("default")
    return "" if default in (None, "", [], {}) or isinstance(default, dict) else f"`{write(default)}`"


def _takes(field: Schema, parts: Mapping[str, Schema]) -> str:
    """What a field takes, in words."""
    if forms := _forms(field):
        return " or ".join(dict.fromkeys(_takes(form, parts) for form in forms))
    if "$ref" in field:
        return _link(str(field["$ref"]).rpartition("/")[2], parts)
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"] if value)
    kinds = field.get("type", "")
    return " or ".join(_kind(kind, field, parts) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _link(model: str, parts: Mapping[str, Schema]) -> str:
    """To the table of a model, if it has one."""
    heading = _heading(model).lower()
    return f"[{heading}](#{heading.replace(' ', '-')})" if _mapping(parts[model]) else "any value"


def _kind(kind: str, field: Schema, parts: Mapping[str, Schema]) -> str:
    """A type of JSON in words."""
    match kind:
        case "array":
            return f"list of: {_takes(field['items'], parts)}"
        case "object":
            return f"mapping of names to: {_values(field, parts)}"
        case "integer":
            return f"whole number{_span(field)}"
    return {"string": "text", "boolean": "true or false"}.get(kind, "any value")


def _values(field: Schema, parts: Mapping[str, Schema]) -> str:
    """What the values of a mapping are whose keys people choose."""
    patterns = list(field.get("patternProperties", {}).values())
    values = patterns or [field.get("additionalProperties")]
    return _takes(values[0], parts) if isinstance(values[0], dict) else "any value"


def _span(field: Schema) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        return f", {low:,} to {high:,}"
    return f", {low:,} or more" if low is not None else ""


def _sentences(text: str) -> str:
    """A docstring's text in one line."""
    return " ".join(text.split())
