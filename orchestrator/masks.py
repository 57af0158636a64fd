"""What no log, no report and no message may show."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from orchestrator.process import masked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

#: Characters: a shorter value, or line of one, is too common a word to be looked for.
SHORTEST = 4


def values_of(variables: Iterable[str]) -> tuple[str, ...]:
    """The values of those environment variables that are set."""
    return tuple(os.environ.get(name, "") for name in variables)


def masks_of(secrets: Iterable[str]) -> tuple[str, ...]:
    """Every spelling in which secrets may appear: whole, their single lines, and within a JSON text.

    The longest come first, so that none leaves a part of another.
    """
    found = set[str]()
    for secret in secrets:
        spellings = {secret.strip(), *(line.strip() for line in secret.splitlines())}
        spellings |= {json.dumps(one)[1:-1] for one in spellings}
        found |= {one for one in spellings if len(one) >= SHORTEST}
    return tuple(sorted(found, key=lambda one: (-len(one), one)))


def mask_file(path: Path, masks: Sequence[str]) -> None:
    """Take secrets out of a file that others have written; one that is not there has none."""
    if masks and path.exists():
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        path.write_text(masked(text, masks), encoding="utf-8", errors="surrogateescape")
