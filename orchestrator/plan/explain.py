"""Which input changed since an AMI was built: digests of inputs, written where they can be read back, and compared.

A short digest of each part of the inputs is in the AMI's own tags, so that an account alone is enough; with an artifact
bucket every single entry (a file, a variable) is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.plan.fingerprint import digest
from orchestrator.plan.inputs import START, Inputs
from orchestrator.tags import INPUT_TAGS, LONGEST_VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.contract.plan import ChangeJson

#: Digits of a digest that a tag holds: enough to see a change, and no proof of anything.
_DIGITS = 5
#: Stands for all parts of a layer.
WHOLE = "all"


@dataclass(frozen=True)
class Change:
    """One input that differs: `how` is "changed", "added" or "removed"; `layer` is "start" for what is below all."""

    layer: str
    what: str
    how: str

    def __str__(self) -> str:
        where = "" if self.layer == START else f" (layer {self.layer})"
        return f"{self.what} {self.how}{where}"

    def as_json(self) -> ChangeJson:
        """A JSON object with every field."""
        return {"layer": self.layer, "input": self.what, "how": self.how}


def record(inputs: Inputs) -> dict[str, Any]:
    """All inputs of a stack as a JSON object: {"layers": [{"layer": ..., "parts": {part: {entry: digest}}}]}."""
    return {
        "fingerprint": inputs.fingerprint,
        "layers": [
            {"layer": one.layer, "parts": {part.name: dict(part.entries) for part in one.parts}}
            for one in inputs.chain()
        ],
    }


def entries_of(recorded: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """The digests of a record by (layer, part and entry)."""
    return {
        (layer["layer"], _named(part, entry)): value
        for layer in recorded["layers"]
        for part, entries in layer["parts"].items()
        for entry, value in entries.items()
    }


def _named(part: str, entry: str) -> str:
    """How a person calls an entry: `roles/nginx/tasks/main.yml`, `vars: nginx_port`, `frame: image.pkr.hcl.j2`."""
    if part.startswith("roles/"):
        return f"{part}/{entry[2:]}"
    if part == "playbook":
        return entry[2:] if entry[:2] in ("- ", "x ", "> ") else entry
    return f"{part}: {entry}"


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
    return changes(before, from_tags(to_tags(inputs))) if before else ()


def changes(before: Mapping[tuple[str, str], str], after: Mapping[tuple[str, str], str]) -> tuple[Change, ...]:
    """What differs between two sets of digests, in the order of `after`; what was removed comes last."""
    found = [
        Change(layer, what, "changed" if (layer, what) in before else "added")
        for (layer, what), value in after.items()
        if before.get((layer, what)) != value
    ]
    return (*found, *(Change(layer, what, "removed") for layer, what in before if (layer, what) not in after))


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
