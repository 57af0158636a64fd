"""The JSON Schemas of what commands print, made from its shapes.

`docs/schema/json/` holds them as `ami schema --out docs/schema` writes them. Fields may be added to what is printed:
the schemas allow fields that they do not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import is_typeddict

from orchestrator import contract
from orchestrator.registration import modules_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: The field whose value is the name of the shape.
_NAME = "schema"


class _Untitled(GenerateJsonSchema):
    """Without titles of fields, which would repeat their names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's
        return False


def shapes() -> dict[str, type]:
    """Every shape that is printed, by its name such as `ami/list/1`."""
    return {name: shape for shape in _typed_dicts() if (name := _name_of(shape))}


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of every shape that is printed, by its name."""
    for shape in _typed_dicts():
        shape.__pydantic_config__ = {"use_attribute_docstrings": True}  # type: ignore[attr-defined]
    return {name: _schema(name, shape) for name, shape in shapes().items()}


def file_of(name: str) -> str:
    """The name of the file that holds a schema: `list-1.schema.json` for `ami/list/1`."""
    _, what, number = name.split("/")
    return f"{what}-{number}.schema.json"


def _schema(name: str, shape: type) -> dict[str, Any]:
    return {"$schema": _DIALECT, "$id": name, **TypeAdapter(shape).json_schema(schema_generator=_Untitled)}


def _typed_dicts() -> Iterator[type]:
    for module in modules_of(contract):
        for value in vars(module).values():
            if is_typeddict(value) and value.__module__ == module.__name__:
                yield value


def _name_of(shape: type) -> str:
    hints = get_type_hints(shape)
    return str(get_args(hints[_NAME])[0]) if _NAME in hints else ""
