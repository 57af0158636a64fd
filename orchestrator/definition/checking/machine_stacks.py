"""Which machine blocks an image is built with: those of its workspaces, of what it stands on, and its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.definition.machine.checks import ImageMachines, MachineStack, WrittenMachine

if TYPE_CHECKING:
    from orchestrator.definition.draft import ImageDraft, WorkspaceDraft


def machines_of(workspace: WorkspaceDraft, image: ImageDraft) -> MachineStack | None:
    """The machine blocks that an image is built with; None when a file that has one of them has mistakes."""
    files = [(one, one.file) for one in reversed(workspace.lineage) if one.file]
    declared = workspace.machines_of_layers
    images: list[ImageMachines] = []
    above = lineage_of(workspace, image)
    for each in above:
        if each.image is None or len(files) < len(workspace.lineage) or not each.image.layers:
            return None
        layers = tuple(declared[use.name] for use in each.image.layers if use.name in declared)
        if len(layers) < len(each.image.layers):
            return None
        images.append(ImageMachines(layers, WrittenMachine(each.document, ("machine",), each.image.machine)))
    sources = {name: source for _, file in files for name, source in file.sources.items()}
    lowest = above[0].image
    names = [each.source for each in lowest.variants] if lowest and lowest.variants else [above[0].from_]
    starts = [sources[name] for name in names if name in sources]
    architectures = {start.filter.architecture for start in starts if start.filter}
    workspaces = tuple(WrittenMachine(one.document, ("machine",), file.machine) for one, file in files)
    return MachineStack(workspaces, tuple(images), frozenset(architectures))


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
