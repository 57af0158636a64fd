"""From definitions to stacks: the layers of an image from its source up, and where its own begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.plan.planned_layer import LayerPlanner
from orchestrator.plan.segment import SegmentOutline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.definition.workspace import Workspace


def outlines(workspace: Workspace, names: Iterable[str]) -> tuple[SegmentOutline, ...]:
    """One outline for each named image and each image that these are built on, cut at images alone; parents first.

    They are for rendering and for looking at. What is really built together is decided by `tree`. Raises UsageError for
    a name that the workspace does not know.
    """
    layers = LayerPlanner(workspace)
    done: dict[str, SegmentOutline] = {}
    for image in workspace.with_ancestors(names):
        below = done.get(image.from_)
        source = below.source if below else workspace.home(image.name).sources[image.from_]
        done[image.name] = SegmentOutline.on(below, image, source, layers.of_image(image))
    return tuple(done.values())
