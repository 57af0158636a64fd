"""A Packer template as values: blocks and their attributes, each with its line and an address of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class NotConstantError(Exception):
    """An expression whose value is not known before Packer runs. The text says why."""


@dataclass(frozen=True)
class Unknown:
    """Stands for a value that is not known before Packer runs."""

    why: str


@dataclass(frozen=True)
class TemplateAttribute:
    """`name = value`. `hcl` is how a fragment writes the value; empty when it means nothing outside of the template."""

    name: str
    value: Any
    hcl: str
    path: Path
    line: int
    address: str
    #: The expression as it stands in an HCL template.
    written: str = ""

    def leaves(self) -> Iterator[str]:
        """The addresses of what is carried over or listed by itself: the entries of a mapping, else the attribute."""
        if isinstance(self.value, dict) and self.value:
            yield from (f"{self.address}.{key}" for key in self.value)
        else:
            yield self.address


@dataclass(frozen=True)
class TemplateBlock:
    """`kind "label" { ... }`, or what stands for it in a JSON template."""

    kind: str
    labels: tuple[str, ...]
    attributes: tuple[TemplateAttribute, ...]
    blocks: tuple[TemplateBlock, ...]
    path: Path
    line: int
    address: str

    def get(self, name: str) -> TemplateAttribute | None:
        """The attribute of that name."""
        return next((attribute for attribute in self.attributes if attribute.name == name), None)

    def all(self, kind: str) -> tuple[TemplateBlock, ...]:
        """The blocks of a kind that stand directly in this one."""
        return tuple(block for block in self.blocks if block.kind == kind)

    def leaves(self) -> Iterator[str]:
        """The addresses of this block, of its attributes, and of all blocks within."""
        yield self.address
        for attribute in self.attributes:
            yield from attribute.leaves()
        for block in self.blocks:
            yield from block.leaves()
