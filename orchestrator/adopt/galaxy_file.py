"""The `galaxy_file` of a provisioner: which roles and collections it brings, and whether the workspace can take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.brought import REQUIREMENTS
from orchestrator.definition.reading.document import read_any
from orchestrator.requirements.written import Kind, RequirementEntry, Way, entries_of

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.errors import Problem


class NotTakenError(Exception):
    """A file of requirements that the workspace cannot have as its own; the text says why."""


@dataclass(frozen=True)
class GalaxyFile:
    """A file of requirements, as Ansible reads it."""

    path: Path
    entries: tuple[RequirementEntry, ...]

    def brings(self, role: str) -> bool:
        """Whether a role comes from it, by itself or in a collection (`namespace.name.role`)."""
        wanted = {(Kind.ROLE, role), (Kind.COLLECTION, role.rpartition(".")[0])}
        return any((entry.kind, entry.name) in wanted for entry in self.entries)

    def local(self) -> list[str]:
        """The archives, folders and repositories that it names by a path relative to itself."""
        return [
            entry.source
            for entry in self.entries
            if entry.way is not Way.GALAXY and (self.path.parent / entry.source.partition("#")[0]).exists()
        ]


def read_galaxy_file(path: Path, present: bytes | None) -> GalaxyFile:
    """The file at `path`. `present` is the workspace's own `requirements.yml`, None when it has none.

    Raises NotTakenError for a file that cannot be read, and for one that says something else than `present`.
    """
    problems: list[Problem] = []
    document = read_any(path, problems)
    entries = tuple(entries_of(document, problems)) if document else ()
    if problems:
        raise NotTakenError(str(problems[0]))
    if present is not None and present != path.read_bytes():
        raise NotTakenError(f"the workspace has a {REQUIREMENTS} that says something else")
    return GalaxyFile(path, entries)
