"""Where a field of an image's machine is written: what a person must look at when the account does not agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.definition.reading.document import read
from orchestrator.definition.reading.variables_file import read_variables
from orchestrator.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.image import Image
    from orchestrator.definition.reading.document import Document, Keys
    from orchestrator.definition.workspace import Workspace

#: The file of a workspace, and where its images are.
_FILE, _IMAGES = "ami.yml", "packer/images"


def problem_of(workspace: Workspace, image: Image, what: str, *field: str | int) -> Problem:
    """A problem at the block that has the last word on a field of an image's machine."""
    first: Problem | None = None
    for document, at in _blocks(workspace, image):
        if _has(document.value, (*at, *field)):
            return document.problem(what, *at, *field)
        first = first or document.problem(what, *at)
    return first or Problem(workspace.root / _FILE, 0, what)


def problem_of_source(workspace: Workspace, name: str, what: str) -> Problem:
    """A problem at the line of a source."""
    for place in workspace.chain():
        document = read(place.root / _FILE, [])
        if document and _has(document.value, ("sources", name)):
            return document.problem(what, "sources", name)
    return Problem(workspace.root / _FILE, 0, what)


def problem_of_environment(environment: Environment, what: str, key: str) -> Problem:
    """A problem at a line of an environment's file."""
    document = read_variables(environment.path, [])
    return document.problem(what, key) if document else Problem(environment.path, 0, what)


def _blocks(workspace: Workspace, image: Image) -> Iterator[tuple[Document, Keys]]:
    """Every block that an image may be built with, the one that goes over all others first."""
    for each in (image, *reversed(workspace.ancestors(image))):
        home = workspace.home(each.name)
        files = [found for place in home.chain() if (found := read(place.root / _FILE, []))]
        if found := read(home.root / _IMAGES / f"{each.family}.yml", []):
            yield found, ("machine",)
        for use in reversed(each.layers):
            yield from ((found, (*at, "machine")) for found in files for at in _layers(found, use.name))
    yield from ((found, ("machine",)) for place in workspace.chain() if (found := read(place.root / _FILE, [])))


def _layers(document: Document, name: str) -> Iterator[Keys]:
    for place, entry in enumerate(document.value.get("layers") or ()):
        if isinstance(entry, dict) and name in entry:
            yield ("layers", place, name)


def _has(node: Any, keys: Keys) -> bool:
    for key in keys:
        if not (key in node if isinstance(node, dict) else isinstance(node, list) and key in range(len(node))):
            return False
        node = node[key]
    return True
