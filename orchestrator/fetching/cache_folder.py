"""Where what was fetched lies between two commands: losing it loses nothing, it is fetched again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """A folder of this product below `XDG_CACHE_HOME` or `~/.cache`; it may not be there yet."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    # A relative path is ignored (XDG Base Directory Specification).
    return (Path(given) if Path(given).is_absolute() else Path.home() / ".cache") / "ami" / name
