"""Checks of variants: each starts from a source, or from the variant of that name which the image below has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.definition.image import LONGEST_NAME
from orchestrator.definition.variants.variant_name import named
from orchestrator.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from orchestrator.definition.draft import ImageDraft, LayerDraft, WorkspaceDraft
    from orchestrator.errors import Problem


def problems_of_variants(workspace: WorkspaceDraft, image: ImageDraft) -> Iterator[Problem]:
    """What is wrong with where an image starts, and with what its layers have in its variants."""
    if not image.from_ and not image.variants:
        if not {"from", "variants"} & image.document.value.keys():
            yield image.document.problem("'from' is missing")
    elif image.from_ in workspace.all_images:
        yield from _on_image(workspace, image)
    else:
        yield from _on_sources(workspace, image)
    for name, (keys, _) in image.variants.items():
        if len(full := named(image.name, name)) > LONGEST_NAME:
            what = f"'{full}' has {len(full)} characters, and the name of an AMI has room for {LONGEST_NAME}"
            yield image.document.problem(what, *keys)
    has = workspace.variants_of(image.name)
    for use in image.layers:
        yield from _known(use, has, f"'{image.name}' has no variant")


def problems_of_layer_variants(workspace: WorkspaceDraft) -> Iterator[Problem]:
    """Variants that a layer of `ami.yml` names and that nothing could ever have."""
    named_by_images = {name for image in workspace.all_images.values() for name in image.variants}
    for layer in workspace.layers:
        yield from _known(layer, named_by_images | workspace.all_sources, "no image has a variant")


def _on_sources(workspace: WorkspaceDraft, image: ImageDraft) -> Iterator[Problem]:
    if image.variants and image.from_:
        what = "'from' stands beside 'variants', which name the sources: leave one of them out"
        yield image.document.problem(what, "from")
        return
    for keys, source in image.variants.values():
        if source in workspace.all_images:
            what = f"'{source}' is an image, and a variant starts from a source; say `from: {source}` to build on it"
            yield image.document.problem(what, *keys)
        elif source not in workspace.all_sources:
            near = did_you_mean(source, workspace.all_sources)
            yield image.document.problem(f"no source '{source}' in ami.yml{near}", *keys)


def _on_image(workspace: WorkspaceDraft, image: ImageDraft) -> Iterator[Problem]:
    below = workspace.variants_of(image.from_)
    for name, (keys, source) in image.variants.items():
        if name not in below:
            has = did_you_mean(name, below) if below else ": it has none at all"
            yield image.document.problem(f"'{image.from_}', which it is built on, has no variant '{name}'{has}", *keys)
        elif source != name:
            yield image.document.problem(f"variant '{name}' starts from '{image.from_}', and takes no 'from'", *keys)


def _known(layer: LayerDraft, names: Collection[str], lacks: str) -> Iterator[Problem]:
    for name, part in layer.variants:
        if name not in names:
            yield layer.problem(f"{lacks} '{name}'{did_you_mean(name, names)}", part.at)
