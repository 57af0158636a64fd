"""The layer tree: stacks of all wanted images merged by fingerprint, and cut into segments.

A segment ends where stacks part, where an image ends, where a layer says `cache: true`, and where an AMI stands that
can be built on. Each segment is one Packer build.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.definition.image import Image
from orchestrator.plan.planned_layer import LayerPlanner, ProvenBelow
from orchestrator.plan.segment import SegmentOutline
from orchestrator.plan.stack import outlines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from orchestrator.definition.source import Source
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.inputs import Collector, Inputs
    from orchestrator.plan.planned_layer import PlannedLayer
    from orchestrator.plan.segment import Segment
    from orchestrator.plan.standing import StandingImage


@dataclass
class LayerNode:
    """One layer on one stack of others; without a layer, what is below them: a source, or the segment of an image that
    `stands` in the account. Grows while stacks are merged.
    """

    source: Source
    inputs: Inputs
    layer: PlannedLayer | None = None
    cached: bool = False
    children: dict[str, LayerNode] = field(default_factory=dict)
    images: list[Image] = field(default_factory=list)
    stands: Segment | None = None

    def ends_segment(self, standing: Collection[str]) -> bool:
        """Whether a build ends here. `standing` are the fingerprints for which there is an AMI to build on."""
        parts = len(self.children) > 1
        return bool(self.images) or self.cached or parts or self.inputs.fingerprint in standing

    def all_images(self) -> Iterator[Image]:
        """The images that end here or above."""
        yield from self.images
        for child in self.children.values():
            yield from child.all_images()


def tree(
    workspace: Workspace,
    names: Iterable[str],
    collector: Collector,
    source_amis: Mapping[str, str],
    standing: Mapping[str, StandingImage] | None = None,
) -> tuple[LayerNode, ...]:
    """The roots, one for each source, of the trees of the named images and of all that these are built on.

    `source_amis` has the AMI id of each source. `standing` are images that are taken as they are: each is a root of its
    own, and nothing below it is there. Raises UsageError for a name that the workspace does not know.
    """
    growing = _Growing(workspace, collector, source_amis)
    ends: dict[str, LayerNode] = {}
    for image in workspace.with_ancestors(names, standing or ()):
        if standing and image.name in standing:
            ends[image.name] = growing.standing(image, standing[image.name])
        else:
            ends[image.name] = growing.grown(ends.get(image.from_) or growing.root(image), image)
    return tuple(growing.roots.values())


def defined_inputs(workspace: Workspace, image: Image, collector: Collector, source_amis: Mapping[str, str]) -> Inputs:
    """The inputs of an image as it is defined, whatever the account holds."""
    return _Growing(workspace, collector, source_amis).defined(image)


class _Growing:
    """The trees of one workspace while images are added to them."""

    def __init__(self, workspace: Workspace, collector: Collector, source_amis: Mapping[str, str]) -> None:
        self._workspace = workspace
        self._collector = collector
        self._source_amis = source_amis
        self._layers = LayerPlanner(workspace)
        self._starts: dict[tuple[Path, str], Inputs] = {}
        self.roots: dict[str, LayerNode] = {}

    def root(self, image: Image) -> LayerNode:
        """The root of the tree of an image's source. Levels whose settings are the same share it."""
        home, name = self._workspace.home(image.name), image.from_
        if (home.root, name) not in self._starts:
            self._starts[home.root, name] = self._collector.at(home).start(home.sources[name], self._source_amis[name])
        inputs = self._starts[home.root, name]
        return self.roots.setdefault(inputs.fingerprint, LayerNode(home.sources[name], inputs))

    def defined(self, image: Image) -> Inputs:
        """The inputs of an image as it is defined."""
        parent = self._workspace.images.get(image.from_)
        inputs = self.defined(parent) if parent else self.root(image).inputs
        for layer in self._layers.of_image(image):
            inputs = self._collector.layer(layer, inputs)
        return inputs

    def standing(self, image: Image, found: StandingImage) -> LayerNode:
        """The root of what is built on a version that is there."""
        outline = outlines(self._workspace, [image.name])[-1]
        stands = outline.planned(found.inputs, tests=found.version.proof)
        return self.roots.setdefault(image.name, LayerNode(outline.source, found.inputs, stands=stands))

    def grown(self, at: LayerNode, image: Image) -> LayerNode:
        """Add an image's layers on a node; the result is where the image ends."""
        for layer in self._layers.of_image(image):
            inputs = self._collector.layer(layer, at.inputs)
            if inputs.fingerprint not in at.children:
                cached = self._workspace.home(image.name).layers[layer.name].cache
                at.children[inputs.fingerprint] = LayerNode(at.source, inputs, layer, cached)
            at = at.children[inputs.fingerprint]
        at.images.append(image)
        return at


def cut(roots: Iterable[LayerNode], collector: Collector, standing: Collection[str]) -> tuple[Segment, ...]:
    """The segments of trees, each after the one that it stands on. `standing`: see `LayerNode.ends_segment`."""
    cutting = _Cutting(collector, standing)
    return tuple(segment for root in roots for segment in cutting.segments(root))


@dataclass(frozen=True)
class _Cutting:
    collector: Collector
    standing: Collection[str]
    #: The segments that are there by now: each comes after what it stands on.
    done: dict[str, Segment] = field(default_factory=dict)

    def segments(self, root: LayerNode) -> Iterator[Segment]:
        waiting: list[tuple[LayerNode, Segment | None, tuple[PlannedLayer, ...]]]
        waiting = [(child, root.stands, ()) for child in reversed(root.children.values())]
        if root.stands:
            yield self._kept(root.stands)
        while waiting:
            node, below, layers = waiting.pop()
            if node.layer is None:
                raise AssertionError("only a root has no layer")
            layers = (*layers, node.layer)
            if node.ends_segment(self.standing):
                ending = self._ending(node, below, layers)
                yield from ending
                below, layers = ending[0], ()
            waiting += [(child, below, layers) for child in reversed(node.children.values())]

    def _ending(self, node: LayerNode, below: Segment | None, layers: tuple[PlannedLayer, ...]) -> list[Segment]:
        """The segments that end at a node: one for each image, or one that several images share.

        Images of equal stacks stand on the first of them, with nothing but their own seal to apply.
        """
        images = sorted(node.images, key=lambda image: image.name)
        first = self._planned(
            node, SegmentOutline.on(below, images[0] if images else _shared_image(node), node.source, layers)
        )
        return [first, *(self._planned(node, SegmentOutline.on(first, image, node.source, ())) for image in images[1:])]

    def _planned(self, node: LayerNode, segment: SegmentOutline) -> Segment:
        shared = not node.images
        below = None if shared else self._below(segment.image)
        tests = "" if shared else self.collector.tests(segment.name, segment.stack, below)
        return self._kept(segment.planned(node.inputs, tests=tests, shared=shared, below=below))

    def _kept(self, segment: Segment) -> Segment:
        self.done[segment.name] = segment
        return segment

    def _below(self, image: Image) -> ProvenBelow | None:
        """What another level proves: the nearest image of one that this image is built on."""
        workspace = self.collector.workspace
        home = workspace.home(image.name)
        for other in reversed(workspace.ancestors(workspace.images[image.name])):
            if workspace.home(other.name) is not home and (found := self.done.get(other.name)):
                return ProvenBelow(len(found.stack), found.tests)
        return None


def _shared_image(node: LayerNode) -> Image:
    """What stands for the images that share a segment: named by its last layer, with the tags that they agree on."""
    images = list(node.all_images())
    first = images[0]
    layer = node.layer.name if node.layer else ""
    names = ", ".join(sorted(image.name for image in images))
    agreed = dict(set(first.tags.items()).intersection(*(image.tags.items() for image in images)))
    return Image.model_construct(
        name=f"stack-{layer}-{node.inputs.fingerprint[:8]}",
        description=f"Layers up to {layer}, shared by {names}"[:255],
        owner=first.owner,
        from_=first.from_,
        layers=(),
        tags=agreed,
    )
