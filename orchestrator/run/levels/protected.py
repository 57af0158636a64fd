"""The protected layers of a build, as its record has them: who promotes the AMI compares them with their owner's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.registry import record
from orchestrator.run.session.identity import commit_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.contract.show import ProtectedLayerJson
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import Segment


def commit_of_level(workspace: Workspace, level: Workspace, commit: str) -> str:
    """The commit of the repository that a level comes from; `-dirty` at its end when files differ from that.

    `commit` is that of the workspace itself. Empty outside git, and for the built-in workspace.
    """
    if level.root == workspace.root:
        return commit
    return "" if level.origin.is_builtin else level.origin.commit or commit_of(level.root)


def protected_layers(
    workspace: Workspace, environment: Environment, segment: Segment, *, base: str, commit: str
) -> list[ProtectedLayerJson]:
    """Each protected layer of a segment's stack, with its fingerprint and the level that protects it.

    `base` is the AMI that the segment is built on. When that is a version whose definition has changed since, its own
    record has the fingerprints. `commit` is that of the workspace.
    """
    known = dict(_fingerprints(segment))
    commits: dict[str, str] = {}
    found: list[ProtectedLayerJson] = []
    for layer in segment.stack:
        home = layer.home or workspace
        if not home.layers[layer.name].protected:
            continue
        level = [one for one in home.chain() if layer.name in one.layers][-1]
        if level.name not in commits:
            commits[level.name] = commit_of_level(workspace, level, commit)
        found.append(
            {
                "layer": layer.name,
                "fingerprint": known.get(layer.name) or None,
                "level": level.name,
                "origin": str(level.origin),
                "commit": commits[level.name] or None,
            }
        )
    if all(one["fingerprint"] for one in found):
        return found
    before = _recorded(environment, base)
    return [one if one["fingerprint"] else before.get(one["layer"], one) for one in found]


def _fingerprints(segment: Segment) -> Iterator[tuple[str, str]]:
    """(layer, fingerprint) of the layers whose inputs are known."""
    for inputs in segment.inputs.chain():
        yield inputs.layer, inputs.fingerprint


def _recorded(environment: Environment, ami_id: str) -> dict[str, ProtectedLayerJson]:
    """What the record of an AMI has, by layer."""
    stated = record.history(environment.account, environment.artifact_bucket, ami_id)
    return {one["layer"]: one for entry in stated for one in entry.get("protected") or ()}
