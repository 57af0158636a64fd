"""The model that every written definition is: frozen, and strict about its keys."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value that people write: immutable, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Itself: nobody can change it, and pydantic would copy the default of a field for each image."""
        return self

    def __copy__(self) -> Self:
        """What `model_copy` changes. What cached properties have found out holds for the original alone."""
        copied = super().__copy__()
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied

    def __getstate__(self) -> dict[Any, Any]:
        """What is pickled: the fields."""
        state = super().__getstate__()
        fields = {name: value for name, value in self.__dict__.items() if name in type(self).model_fields}
        return {**state, "__dict__": fields}
