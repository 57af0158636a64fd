"""Images of another level, used as they stand in the account: the newest validated version of each.

A workspace builds its own images. What it extends has an owner of its own, who builds and validates that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.plan.explaining.short_digests import from_tags
from orchestrator.plan.inputs import Inputs, Part
from orchestrator.registry import newest_validated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from orchestrator.definition.image import Image
    from orchestrator.definition.workspace import Workspace
    from orchestrator.registry import Version


def foreign(workspace: Workspace, names: Iterable[str]) -> tuple[Image, ...]:
    """The images of other levels that the named ones are built on: of each the nearest. Named ones of another level
    are among them.
    """
    found: dict[str, Image] = {}
    for name in names:
        image = workspace.images[name]
        while workspace.home(image.name) is workspace and image.from_ in workspace.images:
            image = workspace.images[image.from_]
        if workspace.home(image.name) is not workspace:
            found[image.name] = image
    return tuple(found.values())


def standing_of(workspace: Workspace, names: Iterable[str], versions: Iterable[Version]) -> dict[str, Version]:
    """The newest validated version of each image of another level that the named ones are built on, by its name.

    `versions` are those of the account, newest first. An image without a validated one is left out.
    """
    known = tuple(versions)
    each = {
        image.name: newest_validated(one for one in known if one.image == image.name)
        for image in foreign(workspace, names)
    }
    return {name: version for name, version in each.items() if version}


def place_of(workspace: Workspace, image: Image) -> Path:
    """The file that defines an image."""
    return workspace.home(image.name).root / "packer" / "images" / f"{image.family}.yml"


def owner_of(workspace: Workspace, image: Image) -> str:
    """Who answers for an image of another level: its workspace, and the owner that it names."""
    return f"'{workspace.home(image.name).name}' ({image.owner.team} <{image.owner.email}>)"


def needed(workspace: Workspace, names: Iterable[str], standing: Mapping[str, Version]) -> tuple[Image, ...]:
    """The named images and what they are built on, parents first; of `standing` ones nothing below."""
    found: dict[str, Image] = {}
    for name in names:
        way = [workspace.image(name)]
        while way[-1].name not in standing and way[-1].from_ in workspace.images:
            way.append(workspace.images[way[-1].from_])
        found.update((image.name, image) for image in reversed(way) if image.name not in found)
    return tuple(found.values())


def inputs_of(version: Version) -> Inputs:
    """The inputs that a version was built from, as far as its tags tell: short digests of parts, by layer.

    The fingerprint is the version's own: what is built on it is chained with that.
    """
    parts: dict[str, list[Part]] = {}
    for (layer, name), short in from_tags(version.tags).items():
        parts.setdefault(layer, []).append(Part(name, short, {}))
    below: Inputs | None = None
    *lower, last = parts or [version.image]
    for layer in lower:
        below = Inputs(layer, tuple(parts[layer]), below)
    return Inputs(last, tuple(parts.get(last, ())), below, version.fingerprint)
