"""`ami.lock` as it is read: the pin of what a workspace extends, with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.definition.reading.document import read
from orchestrator.extends.pin import FORMAT, LOCK, OBJECT, ExtendsPin
from orchestrator.extends.place import folder_trouble, ref_trouble, url_trouble

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.errors import Problem

#: Keys of the file, and the field of a pin that each is.
_FIELDS = {"git": "url", "ref": "ref", "folder": "folder", "commit": "commit", "tree": "tree"}


def read_extends_lock(root: Path, problems: list[Problem]) -> ExtendsPin | None:
    """The pin of the workspace at `root`; None when there is no lock. What is wrong goes to `problems`."""
    path = root / LOCK
    document = read(path, problems) if path.exists() or path.is_symlink() else None
    if document is None:
        return None
    if document.value.get("format") != FORMAT:
        what = f"its format is not {FORMAT}: another release of ami wrote it; `ami update` writes it anew"
        problems.append(document.problem(what, "format"))
        return None
    fields = _pinned(document.value.get("extends"))
    if fields is None:
        what = "this is no pin of a commit: `ami update` writes this file, and nobody edits it"
        problems.append(document.problem(what, "extends"))
        return None
    return ExtendsPin(**fields, path=path, line=document.place("extends", "commit").key)


def _pinned(written: Any) -> dict[str, str] | None:
    """The fields of a pin; None when it is none."""
    if not isinstance(written, dict) or not all(isinstance(value, str) for value in written.values()):
        return None
    if not {"git", "ref", "commit", "tree"} <= written.keys() <= _FIELDS.keys():
        return None
    fields = {"folder": ""} | {_FIELDS[key]: value for key, value in written.items()}
    if url_trouble(fields["url"]) or ref_trouble(fields["ref"]):
        return None
    if fields["folder"] and folder_trouble(fields["folder"]):
        return None
    return fields if OBJECT.fullmatch(fields["commit"]) and OBJECT.fullmatch(fields["tree"]) else None
