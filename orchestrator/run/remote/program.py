"""Which program this is: two processes that exchange values have the same one."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import orchestrator

#: Digits of a digest that people are shown.
_SHOWN = 8


@cache
def this_program() -> str:
    """The version of `ami` and the beginning of its code's digest: `ami 0.1.0 (code 1a2b3c4d)`.

    Versions alone do not tell two checkouts apart. The lab is left out: no build depends on it.
    """
    root = Path(orchestrator.__file__).parent
    state = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        within = path.relative_to(root)
        if path.is_file() and "__pycache__" not in within.parts and within.parts[0] != "lab":
            state.update(f"{within.as_posix()}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return f"ami {version('ami-factory')} (code {state.hexdigest()[:_SHOWN]})"
