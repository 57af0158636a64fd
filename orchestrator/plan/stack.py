"""From definitions to stacks: the layers of an image from its source up, and where its own begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.plan.planned_layer import planned
from orchestrator.plan.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.definition.image import Image
    from orchestrator.definition.workspace import Workspace


def segments(workspace: Workspace, names: Iterable[str]) -> tuple[Segment, ...]:
    """One segment for each named image and each image that these are built on, cut at images alone; parents first.

    They have no fingerprints: they are for rendering, for listing tests, and for looking at. What is really built
    together is decided by `tree`. Raises UsageError for a name that the workspace does not know.
    """
    done: dict[str, Segment] = {}
    for name in names:
        for image in (*workspace.ancestors(workspace.image(name)), workspace.images[name]):
            if image.name not in done:
                done[image.name] = _segment(workspace, image, done.get(image.from_))
    return tuple(done.values())


def _segment(workspace: Workspace, image: Image, parent: Segment | None) -> Segment:
    layers = tuple(planned(workspace, use) for use in image.layers)
    return Segment(
        image=image,
        parent=parent.name if parent else None,
        source=parent.source if parent else workspace.sources[image.from_],
        layers=layers,
        stack=(parent.stack if parent else ()) + layers,
    )
