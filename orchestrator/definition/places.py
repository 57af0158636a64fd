"""Where a workspace's files say something: file and line, for what is found out after they were checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.definition.reading.document import read
from orchestrator.definition.reading.variables_file import read_variables
from orchestrator.definition.secret import references_of
from orchestrator.definition.workspace_file import FILE
from orchestrator.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.reading.document import Document, Keys
    from orchestrator.definition.secret import Reference
    from orchestrator.definition.workspace import Workspace

#: What holds the secret variables of an environment.
SECRET_VARS = "secret_vars"  # noqa: S105 - a name


def places_of(workspace: Workspace, environment: Environment, reference: Reference) -> tuple[tuple[Path, int], ...]:
    """Every file and line that refers to a secret. Files are read again: this is for messages."""
    found: list[tuple[Path, int]] = []
    for document in _documents(workspace):
        for keys, written in references_of(document):
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


def place_of_rule(workspace: Workspace, *keys: str) -> tuple[Path, int]:
    """Where a workspace's own `ami.yml` says something."""
    document = read(workspace.root / FILE, [])
    return workspace.root / FILE, document.place(*keys).key if document else 0


def place_of_variable(workspace: Workspace, family: str, layer: str, variable: str) -> tuple[Path, int]:
    """Where an image, or else an `ami.yml`, gives a layer or one of its roles a variable."""
    documents = sorted(_documents(workspace), key=lambda one: one.path.name != f"{family}.yml")
    for document in documents:
        if document.path.name not in (f"{family}.yml", FILE):
            continue
        listed = document.value.get("layers")
        for place, entry in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(entry, dict) and (keys := _variable_within(entry.get(layer), variable)):
                return document.path, document.place("layers", place, layer, *keys).key
    return workspace.root, 0


def _variable_within(written: Any, variable: str) -> Keys:
    """The keys that lead to a variable in what is written of a layer; none when it is not there."""
    values = written.items() if isinstance(written, dict) else enumerate(written if isinstance(written, list) else [])
    for key, value in values:
        if key == "vars" and isinstance(value, dict) and variable in value:
            return (key, variable)
        if key != "vars" and (below := _variable_within(value, variable)):
            return (key, *below)
    return ()


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
