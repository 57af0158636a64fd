"""AMIs and runs that this machine knows of: completion never asks the account, which may take seconds or be away."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.files.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: As in `run.session.identity`, which takes long to import.
_RUNS, _SUMMARY = ".ami/runs", "summary.json"
#: What `ami list` saw last.
_KNOWN = ".ami/known-amis.json"
#: The newest runs are looked at.
_LOOKED_AT = 100


def remember(root: Path, amis: Iterable[tuple[str, str]]) -> None:
    """Keep the ids of AMIs, each with what it is, for whoever types one later. A disk that refuses is no fault."""
    path = root / _KNOWN
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        write_whole(path, json.dumps(dict(amis)))


def amis(root: Path) -> dict[str, str]:
    """The ids of AMIs, the newest first, each with what it is: those of this workspace's runs, and of `ami list`."""
    found: dict[str, str] = {}
    for run in runs(root):
        with suppress(OSError, ValueError, TypeError, LookupError):
            summary = json.loads((root / _RUNS / run / _SUMMARY).read_text(encoding="utf-8"))
            for one in summary["images"]:
                if one["ami_id"]:
                    found.setdefault(one["ami_id"], f"{one['image']} {one['version']} {one['status']}")
    with suppress(OSError, ValueError):
        known = json.loads((root / _KNOWN).read_text(encoding="utf-8"))
        found |= {str(ami_id): str(what) for ami_id, what in known.items()}
    return found


def runs(root: Path) -> list[str]:
    """The newest runs of a workspace that this machine has records of, the newest first."""
    with suppress(OSError):
        return list(islice(_folders(root / _RUNS), _LOOKED_AT))
    return []


def _folders(folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir(), reverse=True):
        if path.name[:1].isdigit():
            yield path.name
