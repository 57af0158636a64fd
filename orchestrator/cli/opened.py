"""The workspace that a command works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.definition.workspace import Workspace


def opened(folder: Path) -> Workspace:
    """The workspace of a folder, with everything hidden from now on that its `masks` name.

    Raises as `load` does, and DefinitionError for a value that is too short to be hidden.
    """
    from orchestrator.definition.workspace import load
    from orchestrator.secret_values import learn_masks

    loaded = load(folder)
    learn_masks(loaded)
    return loaded
