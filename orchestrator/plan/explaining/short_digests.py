"""A short digest of each part of the inputs, in the AMI's own tags: which parts changed is known from an account alone.

With an artifact bucket every single entry (a file, a variable) is known: see `record`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.plan.explaining.change import Change, InputState, changes
from orchestrator.plan.fingerprint import digest
from orchestrator.tags import INPUT_TAGS, LONGEST_VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.plan.inputs import Inputs

#: Digits of a digest that a tag holds: enough to see a change, and no proof of anything.
_DIGITS = 5
#: Stands for all parts of a layer.
WHOLE = "all"


def to_tags(inputs: Inputs) -> dict[str, str]:
    """Short digests of all parts, packed into a few tags: `base: vars=1a2b3 roles/system=4c5d6 hardening: ...`.

    When there are too many parts there is one digest for each layer, and nothing when even these are too many.
    """
    chain = inputs.chain()
    packed = _packed([word for one in chain for word in _words(one, {part.name: part.digest for part in one.parts})])
    if packed is None:
        packed = _packed([word for one in chain for word in _words(one, {WHOLE: _of_all(one)})])
    return dict(zip(INPUT_TAGS, packed or (), strict=False))


def _words(inputs: Inputs, digests: Mapping[str, str]) -> list[str]:
    short = [f"{name.replace(' ', '-')}={value[:_DIGITS]}" for name, value in digests.items()]
    return [f"{inputs.layer}:", *short]


def from_tags(tags: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """What `to_tags` wrote, by (layer, part); empty for an AMI that has no such tags."""
    found: dict[tuple[str, str], str] = {}
    layer = ""
    for word in " ".join(tags.get(name, "") for name in INPUT_TAGS).split():
        name, _, short = word.rpartition("=")
        if name:
            found[layer, name] = short
        else:
            layer = short.rstrip(":")
    return found


def in_tags(inputs: Inputs, tags: Mapping[str, str]) -> tuple[Change, ...]:
    """The parts that differ from what an AMI's tags say; empty when they say nothing."""
    before = from_tags(tags)
    return changes(_states(before), _states(from_tags(to_tags(inputs)))) if before else ()


def _states(digests: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], InputState]:
    return {key: InputState(short) for key, short in digests.items()}


def _of_all(inputs: Inputs) -> str:
    return digest("parts", [(part.name, part.digest.encode()) for part in inputs.parts])


def _packed(words: list[str]) -> list[str] | None:
    """Words joined into as many texts as there are tags, each within a tag's limit; None when they do not fit."""
    texts = [""]
    for word in words:
        if len(texts[-1]) + 1 + len(word) > LONGEST_VALUE:
            texts.append("")
        texts[-1] = f"{texts[-1]} {word}".strip()
        if len(word) > LONGEST_VALUE:
            return None
    return texts if len(texts) <= len(INPUT_TAGS) else None
