"""Where secrets are written: checks of each, and the lines for what is found out later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.definition.document import read
from orchestrator.definition.secret import KEY, parse, written_in
from orchestrator.definition.variables_file import read_variables
from orchestrator.definition.workspace_file import FILE
from orchestrator.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from orchestrator.definition.document import Document, Keys
    from orchestrator.definition.draft import WorkspaceDraft
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.secret import Reference
    from orchestrator.definition.workspace import Workspace

#: What holds the secret variables of an environment.
SECRET_VARS = "secret_vars"  # noqa: S105 - a name
_PUBLIC = "a tag cannot hold a secret: whoever may describe the AMI reads it"


def problems_of_secrets(workspace: WorkspaceDraft) -> Iterator[Problem]:
    """References that refer to nothing, and secrets where none can be."""
    documents = [workspace.document, *(image.document for image in workspace.images)]
    for document in documents:
        for keys, written in _written(document):
            try:
                parse(written)
            except ValueError as error:
                yield document.problem(str(error), *keys)
    for image in workspace.images:
        tags = image.document.value.get("tags")
        for key, value in tags.items() if isinstance(tags, dict) else ():
            if isinstance(value, dict) and KEY in value:
                yield image.document.problem(_PUBLIC, "tags", key)


def places_of(workspace: Workspace, environment: Environment, reference: Reference) -> tuple[tuple[Path, int], ...]:
    """Every file and line that refers to a secret. Files are read again: this is for messages."""
    found: list[tuple[Path, int]] = []
    for document in _documents(workspace):
        for keys, written in _written(document):
            if written == str(reference):
                found.append((document.path, document.place(*keys).key))
    variables = read_variables(environment.path, [])
    listed = variables.value.get(SECRET_VARS) if variables else None
    for name, written in listed.items() if variables and isinstance(listed, dict) else ():
        if written == str(reference) and variables:
            found.append((variables.path, variables.place(SECRET_VARS, name).key))
    return tuple(found)


def place_of_mask(workspace: Workspace, variable: str) -> tuple[Path, int]:
    """Where `masks` names an environment variable."""
    for document in _documents(workspace):
        masks = document.value.get("masks")
        if isinstance(masks, list) and variable in masks:
            return document.path, document.place("masks", masks.index(variable)).value
    return workspace.root / FILE, 0


def place_of_image(workspace: Workspace, image: str, *keys: str) -> tuple[Path, int]:
    """Where an image's file says something."""
    for document in _documents(workspace):
        if document.path.name == f"{image}.yml":
            return document.path, document.place(*keys).value
    return workspace.root, 0


def problems(places: Iterable[tuple[Path, int]], what: str) -> list[Problem]:
    """The same problem at each of some places."""
    return [Problem(path, line, what) for path, line in places]


def _documents(workspace: Workspace) -> Iterator[Document]:
    within: Workspace | None = workspace
    while within:
        for path in (within.root / FILE, *sorted((within.root / "packer" / "images").glob("*.yml"))):
            if document := read(path, []):
                yield document
        within = within.extends


def _written(document: Document) -> Iterator[tuple[Keys, Any]]:
    """The references in the variables of a file's layers, with the keys that lead to each."""
    layers = document.value.get("layers")
    for place, entry in enumerate(layers if isinstance(layers, list) else []):
        if not isinstance(entry, dict) or len(entry) != 1:
            continue
        ((name, rest),) = entry.items()
        variables = rest.get("vars") if isinstance(rest, dict) else None
        for variable, value in variables.items() if isinstance(variables, dict) else ():
            yield from written_in(value, ("layers", place, name, "vars", variable))
