"""A workspace as an archive that is named by its content."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from orchestrator.run.remote.travel.parcel import digest_of, parcel_of, unpacked_files

FILES = {
    "ami.yml": "name: x",
    "roles/web/tasks/main.yml": "- debug:",
    "roles/web/files/run": "#!/bin/sh",
    ".gitignore": "build/\n*.local",
    "build/app.bin": "app",
    "me.local": "mine",
    "vault.txt": "password",
    ".ami/runs/1/log": "log",
    ".git/HEAD": "ref",
    "roles/web/tasks/main.yml~": "old",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "roles/web/files/run").chmod(0o755)
    return root


def archive_of(root: Path, **wishes: object) -> bytes:
    into = io.BytesIO()
    parcel_of(root, **wishes).write(into)  # type: ignore[arg-type]
    return into.getvalue()


def names(root: Path, **wishes: object) -> set[str]:
    return {one.name for one in parcel_of(root, **wishes).files}  # type: ignore[arg-type]


def test_files_of_a_parcel(root: Path) -> None:
    """What git ignores, leftovers, runs and the repository itself stay here."""
    assert names(root) == {".gitignore", "ami.yml", "roles/web/files/run", "roles/web/tasks/main.yml", "vault.txt"}


def test_file_that_git_ignores_when_a_fingerprint_counts_it(root: Path) -> None:
    """It travels: the build needs it. What is no file does not matter."""
    assert "build/app.bin" in names(root, counted=("build/app.bin", "roles/web/no-such-file", "../outside"))


def test_file_with_passwords(root: Path) -> None:
    """A password of Ansible Vault stays here."""
    assert "vault.txt" not in names(root, without=(root / "vault.txt",))


def test_archive_when_the_workspace_is_a_copy(root: Path, tmp_path: Path) -> None:
    """Equal content has one digest and the same bytes, wherever it lies and whenever it was written."""
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    os.utime(copy / "ami.yml", (1, 1))
    assert parcel_of(root).digest == parcel_of(copy).digest
    assert archive_of(root) == archive_of(copy)


@pytest.mark.parametrize("change", ["content", "mode", "name", "below"])
def test_digest_when_something_changes(root: Path, change: str) -> None:
    """Content, the executable bit, names, and what the level stands on count."""
    before, below = parcel_of(root).digest, ""
    match change:
        case "content":
            (root / "ami.yml").write_text("name: y")
        case "mode":
            (root / "ami.yml").chmod(0o755)
        case "name":
            (root / "ami.yml").rename(root / "other.yml")
        case _:
            below = "1" * 64
    assert parcel_of(root, below=below).digest != before


def test_parcel_when_it_is_unpacked(root: Path, tmp_path: Path) -> None:
    """What comes out is what went in, links within the level included; other links are what they lead to."""
    (tmp_path / "elsewhere").write_text("shared")
    (root / "roles/link").symlink_to("web")
    (root / "out").symlink_to(tmp_path / "elsewhere")
    parcel, there = parcel_of(root), tmp_path / "there"
    with tarfile.open(fileobj=io.BytesIO(archive_of(root))) as archive:
        archive.extractall(there, filter="data")
    assert digest_of(unpacked_files(there), "") == parcel.digest
    assert (there / "roles/link").readlink() == Path("web")
    assert (there / "out").read_text() == "shared"


def test_brought_roles_travel_as_they_are(root: Path, tmp_path: Path) -> None:
    """Links into this machine's cache mean nothing elsewhere."""
    (tmp_path / "cache/tasks").mkdir(parents=True)
    (tmp_path / "cache/tasks/main.yml").write_text("- debug:")
    (root / ".ami/deps/roles").mkdir(parents=True)
    (root / ".ami/deps/roles/ntp").symlink_to(tmp_path / "cache")
    assert ".ami/deps/roles/ntp/tasks/main.yml" in names(root)
