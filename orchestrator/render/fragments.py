"""What fragments may print: whole blocks that the frame can stand around.

A fragment that closes the block it stands in takes what follows it out of the build: the seal, which ends each.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.definition.reading.document import Unreadable
from orchestrator.definition.reading.variables_file import syntax_tree
from orchestrator.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What may stand in a build beside its sources (Packer documentation, "The build block").
KINDS = ("provisioner", "post-processor", "post-processors", "error-cleanup-provisioner")


def problems_of_fragment(path: Path, printed: str, *, of_layer: bool) -> Iterator[Problem]:
    """What is wrong with what a fragment prints: a layer has no other blocks than `KINDS`."""
    try:
        kinds = _blocks(printed)
    except Unreadable as unreadable:
        line = f"line {unreadable.problem.line} of " if unreadable.problem.line else ""
        yield Problem(path, 0, f"prints no whole HCL blocks: {line}what it prints {unreadable.problem.what}")
        return
    for kind in kinds if of_layer else ():
        if kind not in KINDS:
            what = f"prints '{kind}', and a layer has {', '.join(KINDS[:-1])} and {KINDS[-1]} only"
            yield Problem(path, 0, f"{what}{did_you_mean(kind, KINDS)}")


@lru_cache(maxsize=1024)  # many layers print the same
def _blocks(printed: str) -> tuple[str, ...]:
    """The kinds of the blocks at the top of a text. Raises Unreadable."""
    body = syntax_tree(Path(), f"{printed}\n").children[0]
    blocks = (each for each in getattr(body, "children", ()) if getattr(each, "data", "") == "block")
    return tuple(str(each.children[0].children[0]) for each in blocks)
