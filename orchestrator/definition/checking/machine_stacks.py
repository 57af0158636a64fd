"""Which machine blocks an image is built with: those of its workspaces, of what it stands on, and its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.definition.machine.checks import ImageMachines, MachineStack, WrittenMachine

if TYPE_CHECKING:
    from orchestrator.definition.draft import ImageDraft, WorkspaceDraft


def machines_of(workspace: WorkspaceDraft, image: ImageDraft) -> MachineStack | None:
    """The machine blocks that an image is built with.

    None when a file that has one of them has mistakes, and when nothing has a block that says anything.
    """
    if workspace.sources is None or not workspace.has_machines:
        return None
    images: list[ImageMachines] = []
    above = lineage_of(workspace, image)
    below = 0
    for each in above:
        home = workspace.homes.get(each.name, workspace)
        found = _machines(home, each, below)
        if found is None:
            return None
        images.append(found)
        below = len(home.lineage)
    lowest = above[0].image
    names = [each.source for each in lowest.variants] if lowest and lowest.variants else [above[0].from_]
    starts = [workspace.sources[name] for name in names if name in workspace.sources]
    architectures = {start.filter.architecture for start in starts if start.filter}
    return MachineStack(tuple(images), frozenset(architectures))


def _machines(home: WorkspaceDraft, image: ImageDraft, below: int) -> ImageMachines | None:
    """The blocks of one image, as the level that defines it has them; None when one cannot be read."""
    declared = home.machines_of_layers
    if image.image is None or not image.image.layers or any(use.name not in declared for use in image.image.layers):
        return None
    layers = tuple(declared[use.name] for use in image.image.layers)
    own = WrittenMachine(image.document, ("machine",), image.image.machine)
    return ImageMachines(layers, own, home.machines_of_workspaces, below)


def lineage_of(workspace: WorkspaceDraft, image: ImageDraft) -> list[ImageDraft]:
    """What `image` is built on, the lowest first, and itself; a loop is left where it closes."""
    lineage = [image]
    names = {image.name}
    parent = workspace.all_images.get(image.from_)
    while parent and parent.name not in names:
        names.add(parent.name)
        lineage.insert(0, parent)
        parent = workspace.all_images.get(parent.from_)
    return lineage
