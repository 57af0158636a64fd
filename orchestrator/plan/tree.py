"""The layer tree: stacks of all wanted images merged by fingerprint, and cut into segments.

A segment ends where stacks part, where an image ends, where a layer says `cache: true`, and where an AMI stands that
can be built on. Each segment is one Packer build.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.definition.image import Image
from orchestrator.plan.planned_layer import planned
from orchestrator.plan.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from orchestrator.definition.source import Source
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.inputs import Collector, Inputs
    from orchestrator.plan.planned_layer import PlannedLayer


@dataclass
class LayerNode:
    """One layer on one stack of others; without a layer, the source below them. Grows while stacks are merged."""

    source: Source
    inputs: Inputs
    layer: PlannedLayer | None = None
    cached: bool = False
    children: dict[str, LayerNode] = field(default_factory=dict)
    images: list[Image] = field(default_factory=list)

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
    workspace: Workspace, names: Iterable[str], collector: Collector, source_amis: Mapping[str, str]
) -> tuple[LayerNode, ...]:
    """The roots, one for each source, of the trees of the named images and of all that these are built on.

    `source_amis` has the AMI id of each source. Raises UsageError for a name that the workspace does not know.
    """
    roots: dict[str, LayerNode] = {}
    ends: dict[str, LayerNode] = {}
    for name in names:
        for image in (*workspace.ancestors(workspace.image(name)), workspace.images[name]):
            if image.name not in ends:
                at = ends.get(image.from_) or _root(workspace, image.from_, roots, collector, source_amis)
                ends[image.name] = _grow(workspace, at, image, collector)
    return tuple(roots.values())


def _root(
    workspace: Workspace, name: str, roots: dict[str, LayerNode], collector: Collector, source_amis: Mapping[str, str]
) -> LayerNode:
    if name not in roots:
        source = workspace.sources[name]
        roots[name] = LayerNode(source, collector.start(source, source_amis[name]))
    return roots[name]


def _grow(workspace: Workspace, at: LayerNode, image: Image, collector: Collector) -> LayerNode:
    """Add an image's layers on a node; the result is where the image ends."""
    for use in image.layers:
        layer = planned(workspace, use)
        inputs = collector.layer(layer, at.inputs)
        if inputs.fingerprint not in at.children:
            at.children[inputs.fingerprint] = LayerNode(at.source, inputs, layer, workspace.layers[use.name].cache)
        at = at.children[inputs.fingerprint]
    at.images.append(image)
    return at


def cut(roots: Iterable[LayerNode], collector: Collector, standing: Collection[str]) -> tuple[Segment, ...]:
    """The segments of trees, each after the one that it stands on. `standing`: see `Node.ends_segment`."""
    return tuple(segment for root in roots for segment in _Cutting(collector, standing).segments(root))


@dataclass(frozen=True)
class _Cutting:
    collector: Collector
    standing: Collection[str]

    def segments(self, root: LayerNode) -> Iterator[Segment]:
        waiting: list[tuple[LayerNode, str | None, tuple[PlannedLayer, ...], tuple[PlannedLayer, ...]]]
        waiting = [(child, None, (), ()) for child in reversed(root.children.values())]
        while waiting:
            node, parent, layers, stack = waiting.pop()
            if node.layer is None:
                raise AssertionError("only a root has no layer")
            layers, stack = (*layers, node.layer), (*stack, node.layer)
            if node.ends_segment(self.standing):
                ending = self._ending(node, parent, layers, stack)
                yield from ending
                parent, layers = ending[0].name, ()
            waiting += [(child, parent, layers, stack) for child in reversed(node.children.values())]

    def _ending(
        self, node: LayerNode, parent: str | None, layers: tuple[PlannedLayer, ...], stack: tuple[PlannedLayer, ...]
    ) -> list[Segment]:
        """The segments that end at a node: one for each image, or one that several images share.

        Images of equal stacks stand on the first of them, with nothing but their own seal to apply.
        """
        images = sorted(node.images, key=lambda image: image.name) or [_shared_by(list(node.all_images()), node)]
        return [
            Segment(
                image=image,
                parent=images[0].name if place else parent,
                source=node.source,
                layers=() if place else layers,
                stack=stack,
                fingerprint=node.inputs.fingerprint,
                tests=self.collector.tests(image.name, stack) if node.images else "",
                shared=not node.images,
                inputs=node.inputs,
            )
            for place, image in enumerate(images)
        ]


def _shared_by(images: list[Image], node: LayerNode) -> Image:
    """What stands for the images that share a segment: named by its last layer, with the tags that they agree on."""
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
