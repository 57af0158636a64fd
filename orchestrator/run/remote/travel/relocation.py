"""Values that name files, on their way to a machine on which these files lie elsewhere.

Paths below known folders travel as the number of the folder and the rest. Both sides have the same program, and trust
each other: whoever may speak to a Dask scheduler may run anything on its workers.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def dumped(value: Any, roots: Sequence[Path], instead: Mapping[int, Any] | None = None) -> bytes:
    """A value as bytes. Of several roots that a path is below, the innermost counts.

    `instead` has what travels in the place of an object, by the object's `id`.
    """
    into = io.BytesIO()
    _Dumping(into, roots, instead or {}).dump(value)
    return into.getvalue()


def loaded(content: bytes, roots: Sequence[Path]) -> Any:
    """The value, with the paths below the same roots as they are here."""
    return _Loading(io.BytesIO(content), roots).load()


class _Dumping(pickle.Pickler):
    def __init__(self, into: io.BytesIO, roots: Sequence[Path], instead: Mapping[int, Any]) -> None:
        super().__init__(into, protocol=5)
        self._roots = sorted(enumerate(roots), key=lambda one: len(one[1].parts), reverse=True)
        self._instead = instead

    def persistent_id(self, obj: Any) -> tuple[int, str] | None:
        if not isinstance(obj, PurePath):
            return None
        below = ((number, root) for number, root in self._roots if obj.is_relative_to(root))
        found = next(below, None)
        return (found[0], obj.relative_to(found[1]).as_posix()) if found else None

    def reducer_override(self, obj: Any) -> Any:
        other = self._instead.get(id(obj))
        return NotImplemented if other is None else other.__reduce_ex__(5)


class _Loading(pickle.Unpickler):
    def __init__(self, content: io.BytesIO, roots: Sequence[Path]) -> None:
        super().__init__(content)
        self._roots = tuple(roots)

    def persistent_load(self, pid: tuple[int, str]) -> Path:
        number, rest = pid
        return self._roots[number] / rest


def told_here(text: str, places: Mapping[str, str]) -> str:
    """A text in which folders of another machine are named as they are here, the longest first."""
    for there in sorted(places, key=len, reverse=True):
        text = text.replace(there, places[there])
    return text
