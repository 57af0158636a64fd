"""What a run will do, decided before anything is touched: which images are built, on what, and which are reused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.registry import State, Version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from orchestrator.plan.segment import Segment
    from orchestrator.run.source import SourceAmi


@dataclass(frozen=True)
class Step:
    """One image of a run: built on `base` (an AMI id, or empty when its parent is built first), or reused as it is."""

    segment: Segment
    base: str
    reuse: Version | None
    reason: str

    def as_json(self) -> dict[str, Any]:
        """A JSON object of what is done with the image, and why."""
        return {
            "image": self.segment.image.name,
            "action": "reuse" if self.reuse else "build",
            "on": self.segment.parent or self.segment.source.name,
            "base": self.base,
            "ami_id": self.reuse.ami_id if self.reuse else "",
            "layers": [layer.name for layer in self.segment.layers],
            "fingerprint": self.segment.fingerprint,
            "reason": self.reason,
        }


def plan(
    segments: Iterable[Segment],
    *,
    wanted: Collection[str],
    versions: Iterable[Version],
    sources: Mapping[str, SourceAmi],
) -> tuple[Step, ...]:
    """The steps of a run, parents first. What was asked for is built; what it stands on is reused when possible.

    A parent is reused when a validated version with the same fingerprint exists, and nothing below it is built anew.
    """
    good = {
        one.fingerprint: one for one in sorted(versions, key=lambda one: one.created) if one.state is State.VALIDATED
    }
    steps: dict[str, Step] = {}
    for segment in segments:
        name, parent = segment.image.name, steps.get(segment.parent or "")
        base = (parent.reuse.ami_id if parent.reuse else "") if parent else sources[segment.source.name].ami_id
        reuse = None if name in wanted else good.get(segment.fingerprint)
        if reuse and parent and not parent.reuse:
            reuse = None
        steps[name] = Step(segment, base, reuse, _reason(name, wanted, parent, reuse))
    needed = _needed(steps, wanted)
    return tuple(step for name, step in steps.items() if name in needed)


def _reason(name: str, wanted: Collection[str], parent: Step | None, reuse: Version | None) -> str:
    if reuse:
        return f"validated as {reuse.version}"
    if name in wanted:
        return "asked for"
    if parent and not parent.reuse:
        return f"{parent.segment.image.name} is built anew"
    return "no validated version has this fingerprint"


def _needed(steps: Mapping[str, Step], wanted: Collection[str]) -> set[str]:
    """What was asked for, and all of its ancestors down to the first that is reused."""
    needed: set[str] = set()
    for name in wanted:
        at = steps.get(name)
        while at and at.segment.image.name not in needed:
            needed.add(at.segment.image.name)
            at = None if at.reuse else steps.get(at.segment.parent or "")
    return needed
