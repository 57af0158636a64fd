"""JSON Schemas in a workspace: editors complete and check with them, without a network and without `ami`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Where they are, from the workspace's folder. Files that people write name them in their first line.
FOLDER = "schema"
WORKSPACE, IMAGE = "ami.schema.json", "image.schema.json"


def comment(name: str, *, depth: int = 0) -> str:
    """The line that leads editors to a schema, in a file so many folders below the workspace's (yaml-language-server,
    README, "Using inlined schema").
    """
    return f"# yaml-language-server: $schema={'../' * depth}{FOLDER}/{name}"


def schema_files() -> Mapping[str, str]:
    """The schemas of the files that people write, by paths in the workspace."""
    from orchestrator.definition.schema import schemas

    return {f"{FOLDER}/{name}": json.dumps(one, indent=2, ensure_ascii=False) + "\n" for name, one in schemas().items()}
