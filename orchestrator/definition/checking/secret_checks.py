"""Checks of secrets as people write them: each reference means something, and is where a secret can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.definition.secret import KEY, parse, references_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.draft import WorkspaceDraft
    from orchestrator.errors import Problem

_PUBLIC = "a tag cannot hold a secret: whoever may describe the AMI reads it"


def problems_of_secrets(workspace: WorkspaceDraft) -> Iterator[Problem]:
    """References that refer to nothing, and secrets where none can be."""
    documents = [workspace.document, *(image.document for image in workspace.images)]
    for document in documents:
        for keys, written in references_of(document):
            try:
                parse(written)
            except ValueError as error:
                yield document.problem(str(error), *keys)
    for image in workspace.images:
        tags = image.document.value.get("tags")
        for key, value in tags.items() if isinstance(tags, dict) else ():
            if isinstance(value, dict) and KEY in value:
                yield image.document.problem(_PUBLIC, "tags", key)
