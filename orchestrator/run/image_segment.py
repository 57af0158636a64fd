"""The segment that ends with one image, as the workspace and the account's sources are now.

It is for looking at an image: nothing that builds or tests is imported for it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.plan.inputs import Collector
from orchestrator.plan.standing import foreign, standing_of
from orchestrator.plan.tree import cut, tree
from orchestrator.registry import versions_of
from orchestrator.run.source import resolve
from orchestrator.secret_values import Secrets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import Segment


def segment_of(workspace: Workspace, environment: Environment, name: str, secrets: Secrets | None = None) -> Segment:
    """The segment that ends with an image, with its fingerprints, as the account's sources are now.

    It stands on the newest validated version of an image of another level; where there is none, on its definition.
    Without `secrets` those that cannot be read count as changed.
    """
    source_amis = source_amis_of(workspace, environment, [name])
    secrets = secrets or Secrets(workspace, environment, strict=False)
    collector = Collector(workspace, environment, datetime.now(UTC), secrets)
    home = workspace.home(name)
    below = [image.name for image in foreign(home, [name])]
    standing = standing_of(home, [name], versions_of(environment.account, below)) if below else {}
    found = cut(tree(workspace, [name], collector, source_amis, standing), collector, ())
    return next(segment for segment in found if segment.name == name)


def source_amis_of(workspace: Workspace, environment: Environment, names: Iterable[str]) -> dict[str, str]:
    """The AMI of each source that the images stand on."""
    starts = {image.from_ for image in workspace.with_ancestors(names)} - workspace.images.keys()
    return {name: resolve(environment.account, workspace.sources[name]).ami_id for name in sorted(starts)}
