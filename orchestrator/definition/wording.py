"""What pydantic finds wrong with a document, said in plain words at the line of the very key or value."""

from __future__ import annotations

import re
import unicodedata
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from orchestrator.definition.layer import Layer, LayerUse
from orchestrator.definition.reading.frozen import Frozen
from orchestrator.definition.source import Source
from orchestrator.definition.variants.variant import Variant
from orchestrator.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.definition.reading.document import Document

ModelT = TypeVar("ModelT", bound=Frozen)

#: Models whose name is the key that they stand under, and no key of their own.
_NAMED_BY_KEY = (Layer, LayerUse, Source, Variant)

#: pydantic marks a wrong key of a mapping, not its value, with this last part of a location.
_KEY = "[key]"

_LONGEST_SHOWN = 60


def validated(model: type[ModelT], document: Document, problems: list[Problem], **known: Any) -> ModelT | None:
    """The document's value as `model`, with `known` fields added. What is wrong is added to `problems`."""
    try:
        return model.model_validate({**document.value, **known})
    except ValidationError as error:
        problems += [_problem(model, document, found) for found in error.errors(include_url=False)]
        return None


def _problem(model: type[Frozen], document: Document, found: Mapping[str, Any]) -> Problem:
    loc: tuple[str | int, ...] = found["loc"]
    of_key = found["type"] == "extra_forbidden" or bool(loc and loc[-1] == _KEY)
    keys = loc[:-1] if loc and loc[-1] == _KEY else loc
    place = document.place(*keys)
    line = place.key if of_key or found["type"] == "missing" else place.value
    word = _WORDS.get(found["type"])
    if found["type"] == "extra_forbidden":
        what = f"unknown key '{loc[-1]}'{did_you_mean(str(loc[-1]), _keys_at(model, loc[:-1]))}"
    elif found["type"] == "missing":
        what = f"{_called(loc)} is missing"
    elif found["type"] == "string_pattern_mismatch":
        rule = _rule_at(model, loc)
        foreign = _foreign(found["input"]) if "ASCII" in rule else ""
        what = f"{_called(keys)} cannot be {_shown(found['input'])}{foreign}" + (f": {rule}" if rule else "")
    else:
        what = f"{_called(keys)} {word(found) if word else found['msg']}"
    return Problem(document.path, line, what)


def _called(keys: tuple[str | int, ...]) -> str:
    """How a message names the value that `keys` lead to."""
    names = [key for key in keys if isinstance(key, str)]
    if not names:
        return "this file"
    if isinstance(keys[-1], int):
        return f"entry {keys[-1] + 1} of '{names[-1]}'"
    return f"'{names[-1]}'"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]}...")
    kinds = {bool: "yes/no", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return kinds.get(type(value), "empty")


def _foreign(text: str) -> str:
    """The first character that is not ASCII, by its name: many look like one that is."""
    character = next((one for one in text if not one.isascii()), "")
    return f" ({unicodedata.name(character, ascii(character))} is not ASCII)" if character else ""


def _text(found: Mapping[str, Any]) -> str:
    quote = ": put it in quotes" if isinstance(found["input"], bool | int | float) else ""
    return f"must be text, not {_shown(found['input'])}{quote}"


def _not_a(kind: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda found: f"must be {kind}, not {_shown(found['input'])}"


def _too_short(found: Mapping[str, Any]) -> str:
    least = found["ctx"]["min_length"]
    return "may not be empty" if least == 1 else f"must have at least {least} characters"


def _too_long(found: Mapping[str, Any]) -> str:
    return f"has at most {found['ctx']['max_length']} characters, and this one has {len(found['input'])}"


def _choice(found: Mapping[str, Any]) -> str:
    choices = str(found["ctx"]["expected"])
    near = did_you_mean(str(found["input"]), re.findall("'([^']*)'", choices))
    return f"must be {choices}, not {_shown(found['input'])}{near}"


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "string_type": _text,
    "bool_type": _not_a("true or false"),
    "int_type": _not_a("a whole number"),
    "greater_than_equal": lambda found: f"must be at least {found['ctx']['ge']}, not {found['input']}",
    "tuple_type": _not_a("a list"),
    "dict_type": _not_a("a mapping"),
    "model_type": _not_a("a mapping"),
    "model_attributes_type": _not_a("a mapping"),
    "string_too_short": _too_short,
    "too_short": _too_short,
    "string_too_long": _too_long,
    "literal_error": _choice,
    "value_error": lambda found: str(found["ctx"]["error"]),
}


def _keys_at(model: type[Frozen], loc: tuple[str | int, ...]) -> list[str]:
    """The keys that may be written where `loc` leads."""
    kind, _ = _step(model, loc)
    if not _is_model(kind):
        return []
    keys = [field.alias or name for name, field in kind.model_fields.items()]
    return [key for key in keys if key != "name"] if issubclass(kind, _NAMED_BY_KEY) else keys


def _rule_at(model: type[Frozen], loc: tuple[str | int, ...]) -> str:
    """The description of the field where `loc` leads: it states what its pattern means."""
    return _step(model, loc)[1]


def _step(model: Any, loc: tuple[str | int, ...]) -> tuple[Any, str]:
    """The type and the description that the fields of `model` give to the value where `loc` leads."""
    kind, description = model, ""
    for part in loc:
        kind, description = _bare(kind, description)
        if _is_model(kind):
            fields = {field.alias or name: name for name, field in kind.model_fields.items()}
            if part not in fields:
                return None, ""
            kind, description = get_type_hints(kind, include_extras=True)[fields[str(part)]], ""
        elif get_origin(kind) is dict:
            kind = get_args(kind)[0 if loc[-1] == _KEY and part == loc[-2] else 1]
            if loc[-1] == _KEY and part == loc[-2]:
                return _bare(kind, description)
        elif get_origin(kind) is tuple:
            kind = get_args(kind)[0]
        else:
            return None, description
    return _bare(kind, description)


def _bare(kind: Any, description: str) -> tuple[Any, str]:
    """A type without Annotated and None. The innermost description wins: it is that of the pattern, and comes first."""
    while True:
        if get_origin(kind) is Annotated:
            kind, *metadata = get_args(kind)
            described = (entry.description for entry in metadata if isinstance(entry, FieldInfo))
            description = next(filter(None, described), description)
        elif get_origin(kind) in (Union, UnionType):
            kind = next(one for one in get_args(kind) if one is not type(None))
        else:
            return kind, description


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Frozen)
