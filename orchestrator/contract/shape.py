"""What the shapes of JSON objects are written with: times, and one place in a file.

A shape is a `TypedDict`, and the text below a field is its description in the JSON Schema. One with a field `schema` is
what a command prints; its value is the name that the command's `COMMAND` gives in `prints`. Code that prints imports
shapes for types alone: mypy compares what it builds with them, and nothing is loaded when a command runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from typing_extensions import TypedDict


@dataclass(frozen=True)
class TextForm:
    """The form of a text, for its JSON Schema: a format of JSON Schema, and the pattern that says the same."""

    format: str
    pattern: str

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        """The schema of the text with the form."""
        return {**handler(core), "format": self.format, "pattern": self.pattern}


class OneOf:
    """The texts that there are, for the JSON Schema of a text that an enumeration of the code gives."""

    def __init__(self, *values: str) -> None:
        self.values = values

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        """The schema of the text with its values."""
        return {**handler(core), "enum": list(self.values)}


#: A moment as RFC 3339 writes it, in UTC: `2026-11-27T14:45:00Z`, with or without parts of a second.
Time = Annotated[str, TextForm("date-time", r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]


class PlaceJson(TypedDict):
    """One mistake in one file."""

    file: str
    """Its path, from the current folder where that is shorter."""
    line: int | None
    """From 1; null when the file as a whole is meant."""
    message: str
    """What is wrong there."""
