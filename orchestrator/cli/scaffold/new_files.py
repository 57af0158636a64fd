"""Files that a command writes where none are: all of them, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.terminal import say
from orchestrator.errors import UsageError
from orchestrator.files.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def refuse_present(folder: Path, names: Iterable[str]) -> None:
    """Raise UsageError when one of the files is in the folder already."""
    if there := [name for name in names if (folder / name).exists() or (folder / name).is_symlink()]:
        raise UsageError(f"{folder} has {', '.join(there)} already: nothing was written", hint="choose another name")


def write_new(folder: Path, files: Mapping[str, str], *, dry_run: bool) -> None:
    """Write files into a folder, by their paths in it, and say so. Raises UsageError when one is there already."""
    refuse_present(folder, files)
    for name, text in files.items():
        if not dry_run:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_whole(folder / name, text)
        say(f"{'would write' if dry_run else 'wrote'} {folder / name}")
