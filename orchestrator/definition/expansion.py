"""Images as a loaded workspace has them: one with variants stands there once for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.definition.layer import in_variant
from orchestrator.definition.variants.variant import variants_of
from orchestrator.definition.variants.variant_name import named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.definition.image import Image


def expanded(images: Mapping[str, Image]) -> dict[str, Image]:
    """Each image once for each of its variants, by the name with the variant; those without variants as they are."""
    parents = {image.name: image.from_ for image in images.values()}

    def written(name: str) -> dict[str, str]:
        return {variant.name: variant.source for variant in images[name].variants}

    return {
        each.name: each
        for image in images.values()
        for each in _in_variants(image, variants_of(image.name, parents, written), on_image=image.from_ in images)
    }


def _in_variants(image: Image, variants: Mapping[str, str], *, on_image: bool) -> Iterator[Image]:
    if not variants:
        yield image
    for variant, source in variants.items():
        changed = {
            "name": named(image.name, variant),
            "from_": named(image.from_, variant) if on_image else source,
            "layers": tuple(in_variant(use, variant) for use in image.layers),
        }
        yield image.model_copy(update=changed)
