"""What no log, no report and no message may show.

A secret is learned once, where it is read. From then on `hide` takes it out of every text, in every encoding; whatever
leaves the process goes through it, on decoded text: see docs/decisions/0021-secrets.md.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from orchestrator.process import masked
from orchestrator.spellings import spellings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

#: Characters: a shorter value is part of many words. As a secret it is refused; as a line of one it is hidden only
#: with the whole.
SHORTEST = 4

#: How programs show that they cut a text, pytest among them.
_DOTS = re.compile(r"(?<!\.)\.{3}(?!\.)")

#: What this process has learned. It only grows: a message about a secret may come long after its use.
_LEARNED: set[str] = set()


class _Hearing:
    """Who is told of what is learned."""

    hear: Callable[[Iterable[str]], None] | None = None


def values_of(variables: Iterable[str]) -> tuple[str, ...]:
    """The values of those environment variables that are set."""
    return tuple(os.environ.get(name, "") for name in variables)


def masks_of(secrets: Iterable[str]) -> tuple[str, ...]:
    """Every spelling in which secrets may appear: whole, their single lines, and the texts of one that is JSON.

    The longest come first, so that none leaves a part of another.
    """
    return _masks_of(frozenset(secrets))


@cache
def _masks_of(secrets: frozenset[str]) -> tuple[str, ...]:
    texts = {text for secret in secrets for text in _texts_of(secret) if len(text) >= SHORTEST}
    found = {one for text in texts for one in spellings(text) if len(one) >= SHORTEST}
    return tuple(sorted(found, key=lambda one: (-len(one), one)))


def _texts_of(secret: str) -> set[str]:
    texts = {secret, secret.strip(), *(line.strip() for line in secret.splitlines())}
    try:
        return texts | set(_leaves(json.loads(secret)))
    except (ValueError, RecursionError):
        return texts


def _leaves(value: Any) -> Iterable[str]:
    """The texts of a JSON object or list: a password of a database's settings."""
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from [one] if isinstance(one, str) else _leaves(one)


def learn(secrets: Iterable[str]) -> None:
    """Hide these from now on, in whatever this process lets out."""
    new = {secret for secret in secrets if len(secret) >= SHORTEST} - _LEARNED
    _LEARNED.update(new)
    if new and _Hearing.hear:
        _Hearing.hear(sorted(new))


def on_learning(hear: Callable[[Iterable[str]], None] | None) -> None:
    """Have each secret told to `hear` when it is learned, from now on; None: to nobody any more.

    Whoever hears them has to keep them to himself as well.
    """
    _Hearing.hear = hear


def known() -> tuple[str, ...]:
    """Every spelling of what was learned."""
    return masks_of(_LEARNED)


def hide(text: str) -> str:
    """`text` without what was learned."""
    return masked(text, known()) if _LEARNED else text


def hidden(value: Any) -> Any:
    """A JSON value without what was learned: each of its texts is masked by itself, so that it stays JSON."""
    if not _LEARNED:
        return value
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list | tuple):
        return [hidden(one) for one in value]
    if isinstance(value, dict):
        return {hidden(key): hidden(one) for key, one in value.items()}
    return value


def masked_where_cut(text: str, masks: Sequence[str]) -> str:
    """`text` without secrets, and without the beginning or the end of one that a program cut with three dots."""
    text = masked(text, masks)
    if not masks:
        return text
    parts = _DOTS.split(text)
    for place in range(len(parts) - 1):
        before, after = parts[place], parts[place + 1]
        begun = max((_overlap(before, mask) for mask in masks), default=0)
        ended = max((_overlap(mask, after) for mask in masks), default=0)
        parts[place] = before[: len(before) - begun] + "*" * min(begun, 8)
        parts[place + 1] = "*" * min(ended, 8) + after[ended:]
    return "...".join(parts)


def _overlap(left: str, right: str) -> int:
    """How many characters at the end of one text begin the other; 0 for fewer than a secret has."""
    for length in range(min(len(left), len(right)), SHORTEST - 1, -1):
        if left.endswith(right[:length]):
            return length
    return 0


def mask_file(path: Path, masks: Sequence[str]) -> None:
    """Take secrets out of a file that others have written; one that is not there has none."""
    if masks and path.exists():
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        without = masked(text, masks)
        if without != text:
            path.write_text(without, encoding="utf-8", errors="surrogateescape")
