"""The segment that ends with one image, as the workspace and the account's sources are now.

It is for looking at an image: nothing that builds or tests is imported for it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError, told
from orchestrator.errors import AmiError
from orchestrator.plan.inputs import Collector
from orchestrator.plan.standing import StandingImage, foreign, newest_of
from orchestrator.plan.tree import cut, defined_inputs, tree
from orchestrator.registry import versions_of
from orchestrator.run.source import resolve
from orchestrator.secret_values import Secrets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.image import Image
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.inputs import Inputs
    from orchestrator.plan.segment import Segment
    from orchestrator.registry import Version
    from orchestrator.run.source import SourceAmi


def segment_of(workspace: Workspace, environment: Environment, name: str, secrets: Secrets | None = None) -> Segment:
    """The segment that ends with an image, with its fingerprints, as the account's sources are now.

    It stands on the newest validated version of an image of another level; where there is none, on its definition.
    Without `secrets` those that cannot be read count as changed.
    """
    home = workspace.home(name)
    below = [image.name for image in foreign(home, [name])]
    found = newest_of(home, [name], versions_of(environment.account, below)) if below else {}
    standing = standing_images(workspace, environment, found)
    source_amis = source_amis_of(workspace, environment, [name], standing)
    secrets = secrets or Secrets(workspace, environment, strict=False)
    collector = Collector(workspace, environment, datetime.now(UTC), secrets)
    segments = cut(tree(workspace, [name], collector, source_amis, standing), collector, ())
    return next(segment for segment in segments if segment.name == name)


def source_amis_of(
    workspace: Workspace, environment: Environment, names: Iterable[str], standing: Collection[str] = ()
) -> dict[str, str]:
    """The AMI id of each source that is built on for the images, `standing` ones not being built."""
    return {name: ami.ami_id for name, ami in resolved_sources(workspace, environment, names, standing).items()}


def resolved_sources(
    workspace: Workspace, environment: Environment, names: Iterable[str], standing: Collection[str] = ()
) -> dict[str, SourceAmi]:
    """The AMI of each source that is built on for the images, `standing` ones not being built."""
    built = [image for image in workspace.with_ancestors(names, standing) if image.name not in standing]
    starts = {image.from_: workspace.home(image.name) for image in built if image.from_ not in workspace.images}
    return {name: resolve(environment.account, home.sources[name]) for name, home in sorted(starts.items())}


def standing_images(
    workspace: Workspace, environment: Environment, newest: Mapping[str, Version]
) -> dict[str, StandingImage]:
    """Images of other levels, each with its version in the account, compared with its definition.

    Whoever builds on one need not be able to build it: when its source or its secrets cannot be read here, it is not
    known whether it is out of date.
    """
    return {
        name: StandingImage.of(version, *_defined(workspace, environment, workspace.images[name]))
        for name, version in newest.items()
    }


def _defined(workspace: Workspace, environment: Environment, image: Image) -> tuple[Inputs | None, str]:
    """The inputs of an image as it is defined, and why they are not known."""
    secrets = Secrets(workspace, environment, strict=False)
    collector = Collector(workspace, environment, datetime.now(UTC), secrets)
    try:
        source_amis = source_amis_of(workspace, environment, [image.name])
        inputs = defined_inputs(workspace, image, collector, source_amis)
    except AmiError as error:
        return None, error.message
    except AwsError as error:
        return None, told(error)
    return (None, secrets.unknown[0]) if secrets.unknown else (inputs, "")
