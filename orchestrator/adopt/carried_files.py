"""Files that a template names, and where they lie in the workspace."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

#: Where what fragments name lies; such files count in the fingerprint of the layer (see `plan/inputs.py`).
FOLDER = "packer/files"


@dataclass(frozen=True)
class AdoptedFile:
    """A file of the adopted workspace; `relative` is its path there."""

    relative: str
    content: bytes
    executable: bool = False


class MissingFileError(Exception):
    """A file that a template names is not there. The text is its path."""


@dataclass
class CarriedFiles:
    """Copies what a template names. Relative paths start in the template's folder, or else where the command runs."""

    folder: Path
    #: The folder below `packer/files` that is this template's.
    name: str
    found: dict[str, AdoptedFile] = field(default_factory=dict)

    def find(self, written: str) -> Path:
        """The file or folder that a path means. Raises MissingFileError."""
        for start in (self.folder, Path.cwd()):
            if (path := start / written).exists():
                return path.resolve()
        raise MissingFileError(written)

    def take(self, written: str) -> str:
        """The path in the workspace of a file or folder that the template names. Raises MissingFileError."""
        path, root = self.find(written), self.folder.resolve()
        inside = path.relative_to(root) if path.is_relative_to(root) and path != root else Path(path.name)
        relative = f"{FOLDER}/{self.name}/{inside}"
        self.copy(path, relative)
        return f"{relative}/" if written.endswith("/") else relative

    def copy(self, path: Path, relative: str) -> None:
        """Copy a file, or a folder with everything in it, to a path in the workspace.

        Raises MissingFileError for what is neither, such as a link that leads nowhere.
        """
        if path.is_file():
            executable = bool(path.stat().st_mode & 0o100)
            self.found[relative] = AdoptedFile(relative, path.read_bytes(), executable)
            return
        if not path.is_dir():
            raise MissingFileError(path)
        for inner in sorted(path.iterdir()):
            if inner.name not in (".git", "__pycache__"):
                self.copy(inner, f"{relative}/{inner.name}")
