"""What became of everything that a template says: carried over, or listed with the reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.adopt.block import TemplateAttribute, TemplateBlock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from orchestrator.contract.setup import NotCarriedJson


@dataclass(frozen=True, order=True)
class NotCarried:
    """Something that the adopted workspace does not say, or says otherwise."""

    path: Path
    line: int
    #: Its address in the template, as `source.amazon-ebs.web.user_data`.
    what: str
    why: str
    todo: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}: {self.why}" + (f"; {self.todo}" if self.todo else "")

    def as_json(self) -> NotCarriedJson:
        """The same for programs."""
        return {
            "file": str(self.path),
            "line": self.line or None,
            "address": self.what,
            "reason": self.why,
            "hint": self.todo or None,
        }


@dataclass
class Ledger:
    """Collects by address. What is neither carried nor listed in the end is listed as unknown: see `close`."""

    #: Where each thing went to.
    carried: dict[str, str] = field(default_factory=dict)
    listed: dict[str, NotCarried] = field(default_factory=dict)

    def carry(self, item: TemplateAttribute | TemplateBlock | None, to: str, key: str | None = None) -> None:
        """Note that an item, or one entry of it, went into the file `to`. A block is noted without what is in it."""
        for address in _addresses(item, key):
            self.carried.setdefault(address, to)

    def leave(
        self, item: TemplateAttribute | TemplateBlock | None, why: str, todo: str = "", key: str | None = None
    ) -> None:
        """Note that an item with all that is in it, or one entry of it, is not carried over."""
        if item is None:
            return
        what = item.address if key is None else f"{item.address}.{key}"
        entry = NotCarried(item.path, item.line, what, why, todo)
        for address in item.leaves() if key is None else [what]:
            self.listed.setdefault(address, entry)

    def knows(self, item: TemplateAttribute | TemplateBlock) -> bool:
        """Whether anything of an item is noted already."""
        return any(self._is_known(address) for address in item.leaves())

    def entries(self) -> list[NotCarried]:
        """What is listed, in the order of files and lines, each once."""
        return sorted(set(self.listed.values()))

    def close(self, blocks: Iterable[TemplateBlock]) -> None:
        """List what no rule has dealt with."""
        for block in blocks:
            if not any(self._is_known(address) for address in block.leaves()):
                self.leave(block, _UNKNOWN, _TODO)
                continue
            if not self._is_known(block.address):
                self.carried[block.address] = ""  # its contents are dealt with one by one
            for attribute in block.attributes:
                for address in attribute.leaves():
                    if not self._is_known(address):
                        key = address.removeprefix(attribute.address).removeprefix(".") or None
                        self.leave(attribute, _UNKNOWN, _TODO, key)
            self.close(block.blocks)

    def _is_known(self, address: str) -> bool:
        return address in self.carried or address in self.listed


_UNKNOWN = "a workspace has no place for it"
_TODO = "see whether the image needs it, and write it by hand"


def _addresses(item: TemplateAttribute | TemplateBlock | None, key: str | None) -> Iterable[str]:
    if item is None:
        return ()
    if key is not None:
        return (f"{item.address}.{key}",)
    return item.leaves() if isinstance(item, TemplateAttribute) else (item.address,)
