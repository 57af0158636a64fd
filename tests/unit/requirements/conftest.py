"""Real repositories, archives and caches below a test's own folder."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from orchestrator.requirements.bring import bring, renew

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.requirements.bring import Locked

GALAXY = "namespace: acme\nname: {name}\nversion: {version}\nreadme: README.md\nauthors: [tests]\n"


@dataclass
class Elsewhere:
    """A workspace in `root`, and what it takes from other places below `there`."""

    root: Path
    there: Path
    said: list[str] = field(default_factory=list)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commit(self, name: str, files: dict[str, str], *, tag: str = "") -> Path:
        """Write files of a repository, and commit them."""
        folder = self.there / name
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        if not (folder / ".git").exists():
            git(folder, "init", "--quiet", "--initial-branch=main")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", "a change")
        if tag:
            git(folder, "tag", tag)
        return folder

    def collection(self, name: str, *, version: str = "1.0.0", more: str = "", runtime: str = "") -> Path:
        """A collection in a git repository."""
        files = {"galaxy.yml": GALAXY.format(name=name, version=version) + more, "README.md": "A collection.\n"}
        return self.commit(name, files | ({"meta/runtime.yml": runtime} if runtime else {}))

    def deps(self, *, upgrade: bool = False) -> tuple[Locked, ...]:
        """What `ami deps` does."""
        self.said.clear()
        renew(self.root, upgrade=upgrade, tell=self.said.append)
        return bring(self.root, fetch=True, tell=self.said.append)

    def link(self, name: str) -> Path:
        """Where something that was brought is."""
        return self.root / ".ami/deps" / name


def git(folder: Path, *arguments: str) -> None:
    names = ["-c", "user.name=tests", "-c", "user.email=tests@example.com"]
    subprocess.run(["git", "-C", folder, *names, *arguments], check=True, capture_output=True)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    made = Elsewhere(tmp_path / "w", tmp_path / "there")
    made.write("ami.yml", "name: w\n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(made.root)
    return made
