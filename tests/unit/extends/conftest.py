"""A factory in a real git repository, and a cache of a test's own."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from orchestrator.extends.place import GitPlace
from orchestrator.extends.update import planned

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.extends.pin import ExtendsPin


@dataclass
class FactoryRepository:
    """A repository in `folder`, and who extends it with `ami.yml` in `team`."""

    folder: Path
    team: Path

    @property
    def url(self) -> str:
        return f"file://{self.folder}"

    def commit(self, files: dict[str, str | None], *, subject: str = "a change", tag: str = "") -> str:
        """Write files, or remove those that are None, and commit that: the commit."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", subject)
        if tag:
            self.git("tag", "--force", tag)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        return git(self.folder, *arguments)

    def place(self, ref: str, folder: str = "") -> GitPlace:
        return GitPlace(self.url, ref, folder, self.team / "ami.yml", 3)

    def pin(self, ref: str, folder: str = "") -> ExtendsPin:
        """What `ami update` locks."""
        return planned(self.place(ref, folder), None)[0].new


def git(folder: Path, *arguments: str) -> str:
    names = ["-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "protocol.file.allow=always"]
    return subprocess.run(
        ["git", "-C", folder, *names, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FactoryRepository:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = FactoryRepository(tmp_path / "factory", tmp_path / "team")
    made.folder.mkdir()
    made.team.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit({"ami.yml": "name: factory\n", "roles/one/tasks/main.yml": "[]\n"}, tag="v1.0.0")
    return made
