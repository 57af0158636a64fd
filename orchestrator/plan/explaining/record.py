"""All inputs of a stack as a JSON object: a digest of each, and the content of those that are small and no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.plan.explaining.change import InputState
from orchestrator.plan.explaining.shown import is_withheld, kind_of, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.plan.inputs import Inputs

#: Characters of all contents of one record together. What comes first in the stack is kept.
_MOST = 256_000


def record(inputs: Inputs) -> dict[str, Any]:
    """All inputs of a stack: `{"layers": [{"layer": ..., "parts": {part: {entry: digest}}}], "texts": {digest: text}}`.

    `texts` has contents by the digest of their entry: what several layers share is in it once.
    """
    return {
        "fingerprint": inputs.fingerprint,
        "layers": [
            {"layer": one.layer, "parts": {part.name: dict(part.entries) for part in one.parts}}
            for one in inputs.chain()
        ],
        "texts": dict(_bounded(inputs)),
    }


def _bounded(inputs: Inputs) -> Iterator[tuple[str, str]]:
    left, seen = _MOST, set[str]()
    for part in (part for one in inputs.chain() for part in one.parts):
        for entry, text in texts_of(part):
            digest = part.entries[entry]
            if digest not in seen and len(text) <= left:
                seen.add(digest)
                left -= len(text)
                yield digest, text


def states_of(recorded: Mapping[str, Any]) -> dict[tuple[str, str], InputState]:
    """The inputs of a record by (layer, part and entry). Records of older releases have digests alone."""
    texts: Mapping[str, str] = recorded.get("texts", {})
    return {
        (layer["layer"], _named(part, entry)): _state(part, entry, digest, texts)
        for layer in recorded["layers"]
        for part, entries in layer["parts"].items()
        for entry, digest in entries.items()
    }


def _state(part: str, entry: str, digest: str, texts: Mapping[str, str]) -> InputState:
    if part.startswith("roles/"):  # the executable bit counts, and stands before the name
        return InputState(f"{entry[:2]}{digest}", kind_of(part), texts.get(digest))
    if _is_ami(part, entry):
        return InputState(digest, kind_of(part), entry)
    return InputState(digest, kind_of(part), None if is_withheld(part, entry) else texts.get(digest))


def _is_ami(part: str, entry: str) -> bool:
    """Whether an entry is the AMI of the source: its own name is what it holds."""
    return part == "source" and entry.startswith("ami-")


def _named(part: str, entry: str) -> str:
    """How a person calls an entry: `roles/nginx/tasks/main.yml`, `vars: nginx_port`, `frame: image.pkr.hcl.j2`."""
    if part.startswith("roles/"):
        return f"{part}/{entry[2:]}"
    if part == "playbook":
        return entry[2:] if entry[:2] in ("- ", "x ", "> ") else entry
    return "source: AMI" if _is_ami(part, entry) else f"{part}: {entry}"
