"""Images of another level, used as they stand in the account: the newest validated version of each.

A workspace builds its own images. What it extends has an owner of its own, who builds and validates that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.plan.explaining.short_digests import from_tags
from orchestrator.plan.inputs import Inputs, Part
from orchestrator.registry import newest_validated

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from orchestrator.definition.image import Image
    from orchestrator.definition.workspace import Workspace
    from orchestrator.registry import Version


@dataclass(frozen=True)
class StandingImage:
    """An image of another level as it stands in the account.

    `inputs` are those that its version was built from. `defined` are those of its definition, None when that cannot be
    compared: `unknown` says why.
    """

    version: Version
    inputs: Inputs
    defined: Inputs | None = None
    unknown: str = ""

    @classmethod
    def of(cls, version: Version, defined: Inputs | None, unknown: str = "") -> StandingImage:
        """The image whose newest validated version this is."""
        same = defined is not None and defined.fingerprint == version.fingerprint
        return cls(version, defined if defined and same else inputs_of(version), defined, unknown)

    @property
    def is_out_of_date(self) -> bool:
        """Whether its definition is known to be another one than what the version was built from."""
        return self.defined is not None and self.defined.fingerprint != self.version.fingerprint


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


def newest_of(workspace: Workspace, names: Iterable[str], versions: Iterable[Version]) -> dict[str, Version]:
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
