"""Checks of machine blocks: what EBS and Packer would refuse, and what would shrink along a lineage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.definition.machine.block import MOST_USER_DATA, Machine, stacked
from orchestrator.definition.machine.volume import faults
from orchestrator.definition.reading.tag_rules import refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from orchestrator.definition.machine.volume import ExtraVolume
    from orchestrator.definition.reading.document import Document, Keys
    from orchestrator.errors import Problem

#: Types that have CPU credits (EC2 User Guide, "Burstable performance instances").
BURSTABLE = ("t2.", "t3.", "t3a.", "t4g.")


@dataclass(frozen=True)
class WrittenMachine:
    """One machine block, and where it is written."""

    document: Document
    #: The keys that lead to the block.
    at: Keys
    machine: Machine

    def problem(self, what: str, *keys: str | int) -> Problem:
        """A problem at the line of a key of the block."""
        return self.document.problem(what, *self.at, *keys)


@dataclass(frozen=True)
class ImageMachines:
    """The blocks of one image: those of its layers in their order, and its own."""

    layers: tuple[WrittenMachine, ...]
    own: WrittenMachine
    #: Those of the workspace that defines it and of what that extends, which is first.
    workspaces: tuple[WrittenMachine, ...]
    #: How many of these belong to the workspace that defines the image below: what they say, that one has already.
    below: int = 0

    @property
    def workspace(self) -> Machine:
        """What the workspaces say together."""
        return _merged(Machine(), self.workspaces)

    def start(self, standing: Machine | None) -> Machine:
        """What its layers start from, on an image that was built with `standing`."""
        if standing is None:
            return self.workspace
        return _merged(standing.inherited(self.workspace), self.workspaces[self.below :])

    def stacked(self, start: Machine) -> tuple[Machine, ...]:
        """The machine of each layer, on what is below all of them."""
        return stacked(start, (layer.machine for layer in self.layers), self.own.machine)


def _merged(start: Machine, blocks: Sequence[WrittenMachine]) -> Machine:
    for written in blocks:
        start = written.machine.over(start)
    return start


@dataclass(frozen=True)
class MachineStack:
    """The blocks that one image is built with."""

    #: The images that it stands on, the lowest first, and itself.
    images: tuple[ImageMachines, ...]
    #: The architectures that the filters of its sources ask for; empty: not known yet.
    architectures: frozenset[str] = frozenset()

    def problems(self, find: Callable[[str], Path | None]) -> Iterator[Problem]:
        """What is wrong with the last of the images. `find` gives the path of a workspace's file."""
        if not any(block.machine.model_fields_set for block in self._blocks()):
            return  # as for most images of a plan that may have thousands
        standing: Machine | None = None
        for image in self.images[:-1]:
            standing = image.stacked(image.start(standing))[-1]
        image = self.images[-1]
        blame = _Blame(tuple(self._blocks()))
        for machine in image.stacked(image.start(standing)):
            yield from _growth(standing, machine, blame)
            standing = machine
        if standing is not None:
            yield from _whole(standing, blame, find, self.architectures)

    def _blocks(self) -> Iterator[WrittenMachine]:
        """Every block, the one that goes over all others first. A mistake that is inherited is found where it is."""
        for image in reversed(self.images):
            yield image.own
            yield from reversed(image.layers)
            yield from reversed(image.workspaces[image.below :])


@dataclass(frozen=True)
class _Blame:
    """Where a field of a merged block was written: in the first of the blocks that names it."""

    blocks: Sequence[WrittenMachine]

    def problem(self, what: str, field: str, name: str = "") -> Problem:
        for block in self.blocks:
            value = getattr(block.machine, field)
            if name:
                value = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
            if value not in (None, (), {}):
                return block.problem(what, field, *filter(None, [name]))
        return self.blocks[0].problem(what)

    def of_volume(self, what: str, volume: ExtraVolume, name: str) -> Problem:
        for block in self.blocks:
            for place, each in enumerate(block.machine.volumes):
                if each.letter == volume.letter and getattr(each, name) is not None:
                    return block.problem(what, "volumes", place, name)
        return self.problem(what, "volumes")


def _growth(below: Machine | None, at: Machine, blame: _Blame) -> Iterator[Problem]:
    """What is smaller than what it stands on: EBS makes no volume that is smaller than its snapshot."""
    if below is None:
        return
    before, after = below.root_volume.size, at.root_volume.size
    if before and after and after < before:
        what = f"'size': the root volume has {before} GiB in what it stands on, and cannot shrink to {after}"
        yield blame.problem(what, "root_volume", "size")
    known = {volume.letter: volume for volume in below.kept_volumes}
    for volume in at.volumes:
        parent = known.get(volume.letter)
        if parent and volume.size and parent.size and volume.size < parent.size:
            before, after = parent.size, volume.size
            what = f"'size': {volume.device} has {before} GiB in what it stands on, and cannot shrink to {after}"
            yield blame.of_volume(what, volume, "size")
        if parent and volume.build_only:
            what = f"'build_only': {volume.device} is in the AMI that it stands on"
            yield blame.of_volume(what, volume, "build_only")


def _whole(
    machine: Machine, blame: _Blame, find: Callable[[str], Path | None], architectures: frozenset[str]
) -> Iterator[Problem]:
    """What is wrong with the whole of what is said for an image."""
    yield from _volumes(machine, blame)
    if machine.architecture and architectures and machine.architecture not in architectures:
        what = f"'architecture' is {machine.architecture}, and its source has {', '.join(sorted(architectures))}"
        yield blame.problem(what, "architecture")
    for name in ("ena", "sriov"):
        if machine.spot and getattr(machine, name) is not None:
            yield blame.problem(
                f"'{name}' is set on a stopped machine, and one on 'spot' capacity is never stopped", name
            )
    if machine.credits and (steady := [each for each in machine.instance_types if not each.startswith(BURSTABLE)]):
        yield blame.problem(
            f"'credits': {', '.join(steady)} has none; types with credits begin with t2, t3, t3a or t4g", "credits"
        )
    for key, why in refusals(machine.tags):
        yield blame.problem(why, "tags", key)
    if machine.user_data is not None and (what := _user_data(machine.user_data, find)):
        yield blame.problem(what, "user_data")
    if machine.fragment is not None and find(f"packer/{machine.fragment}") is None:
        yield blame.problem(f"'fragment': there is no template packer/{machine.fragment}", "fragment")


def _volumes(machine: Machine, blame: _Blame) -> Iterator[Problem]:
    for name, what in faults(machine.root_volume, root=True):
        yield blame.problem(what, "root_volume", name)
    for volume in machine.volumes:
        if volume.size is None and volume.snapshot is None:
            yield blame.of_volume(f"'size' of {volume.device} is missing", volume, "device")
        for name, what in faults(volume, root=False):
            yield blame.of_volume(f"{volume.device}: {what}", volume, name)


def _user_data(relative: str, find: Callable[[str], Path | None]) -> str:
    """What is wrong with a file of user data; empty when nothing is."""
    path = None if ".." in relative.split("/") or relative.startswith("/") else find(relative)
    if path is None or not path.is_file():
        return f"'user_data': there is no file '{relative}' in the workspace"
    if (size := path.stat().st_size) > MOST_USER_DATA:
        return f"'user_data': '{relative}' has {size:,} bytes, and EC2 takes {MOST_USER_DATA:,}"
    return ""
