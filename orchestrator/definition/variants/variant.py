"""Variants: one image for several bases, each with a name, a fingerprint, versions and a verdict of its own.

An image that starts from sources names them as its variants. What stands on it has the same ones, or some of them:

    variants: [debian-12, debian-13, debian-13-arm64]
    variants: [bookworm: {from: debian-12}]

A variant is called like its source unless it says `from`. The image `web` in the variant `debian-13` is
`web@debian-13` wherever images are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from orchestrator.definition.layer import VariantName, as_named
from orchestrator.definition.reading.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Variant(Frozen):
    """One base of an image: a source of `ami.yml` that it starts from."""

    name: VariantName
    from_: Annotated[
        str | None,
        Field(
            alias="from",
            min_length=1,
            description="A source of ami.yml; the variant's name if absent.",
            examples=["debian-12"],
        ),
    ] = None

    @property
    def source(self) -> str:
        """The source it starts from, in an image that stands on sources."""
        return self.from_ or self.name


WrittenVariant = Annotated[Variant, BeforeValidator(as_named)]


def variants_of(
    name: str, parents: Mapping[str, str], written: Callable[[str], Mapping[str, str]]
) -> Mapping[str, str]:
    """The variants that an image has, each with the source at the bottom; empty for an image without variants.

    `parents` has what each image is built on; `written` gives the variants that the definition of an image names, with
    their sources. A variant that the parent lacks is left out, and so is whatever is in a loop.
    """
    trail: list[str] = []
    while name in parents and name not in trail:
        trail.append(name)
        name = parents[name]
    if name in trail:
        return {}
    found: Mapping[str, str] = written(trail.pop()) if trail else {}
    for above in reversed(trail):
        wanted = written(above)
        found = {variant: source for variant, source in found.items() if variant in wanted or not wanted}
    return found
