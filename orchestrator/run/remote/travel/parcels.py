"""The levels of a workspace as parcels, and what of them travels beside."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.plan.reach.settings import AnsibleCfg
from orchestrator.run.levels.protected import commit_of_level
from orchestrator.run.remote.travel.parcel import parcel_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from orchestrator.definition.levels.origin import LevelOrigin
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import Segment
    from orchestrator.run.remote.travel.parcel import Parcel


def levels_of(workspace: Workspace) -> tuple[Workspace, ...]:
    """The levels that travel, the nearest first: the built-in one is in the program."""
    return tuple(level for level in workspace.chain() if not level.origin.is_builtin)


def parcels_of(workspace: Workspace, segments: Iterable[Segment]) -> tuple[Parcel, ...]:
    """The parcel of each level, the nearest first, with all that counts for these segments."""
    counted = sorted({name for segment in segments for name in _counted(segment)})
    found: list[Parcel] = []
    for level in reversed(levels_of(workspace)):
        below = found[-1].digest if found else ""
        without = AnsibleCfg(level.root).password_files()
        found.append(parcel_of(level.root, below=below, counted=counted, without=without))
    return tuple(reversed(found))


def _counted(segment: Segment) -> Iterator[str]:
    """What the inputs of a segment call files, with more that is none: `- roles/x/files/y`, `x y`, `> y -> z`."""
    for inputs in segment.inputs.chain():
        for part in inputs.parts:
            for entry in part.entries:
                name = entry[2:].partition(" -> ")[0] if entry[1:2] == " " else entry
                yield from (name, f"{part.name}/{name}")


def known_commits(workspace: Workspace, commit: str) -> dict[int, LevelOrigin]:
    """By the `id` of the origin of each level: the same with its commit, which a copy without git cannot tell.

    `commit` is that of the workspace itself.
    """
    below = (level for level in levels_of(workspace) if level is not workspace)
    return {
        id(level.origin): replace(level.origin, commit=commit_of_level(workspace, level, commit)) for level in below
    }


def roots_of_levels(workspace: Workspace) -> tuple[Path, ...]:
    """The folders of the levels that travel, the nearest first."""
    return tuple(level.root for level in levels_of(workspace))
