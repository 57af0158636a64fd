"""A new layer in the text of an `ami.yml`; whatever else is written there stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.definition.reading.document import Document

_LAYERS = "layers"


def with_layer(document: Document, text: str, name: str, *, roles: Sequence[str] = (), after: str | None = None) -> str:
    """The text of an `ami.yml` with a layer added: after another one of it, or at the end of the list.

    Raises DefinitionError when the list is written in one line, to which nothing can be added, and UsageError, which
    offers the nearest, when the file has no layer `after`.
    """
    from orchestrator.adopt.written import extended

    entry = f"{name}: {{roles: [{', '.join(roles)}]}}" if roles else name
    at_the_end = extended(text, document.path, {}, [entry])
    own = layers_of(document)
    if after is None or own[-1:] == [after]:
        return at_the_end
    if after not in own:
        there = f"there are: {', '.join(own)}" if own else "it has none"
        raise UsageError(f"{document.path.name} has no layer '{after}'{did_you_mean(after, own)}", hint=there)
    lines = text.split("\n")
    index = own.index(after)
    first, end = (document.place(_LAYERS, one).key - 1 for one in (index, index + 1))
    while not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"):
        end -= 1  # what is written above the next layer is about that
    indent = lines[first][: lines[first].index("-")]
    return "\n".join([*lines[:end], f"{indent}- {entry}", *lines[end:]])


def layers_of(document: Document) -> list[str]:
    """The layers that an `ami.yml` declares itself, in their order."""
    listed = document.value.get(_LAYERS)
    entries = listed if isinstance(listed, list) else []
    return [next(iter(one)) if isinstance(one, dict) and one else str(one) for one in entries]
