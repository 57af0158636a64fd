"""Commands that write, where nothing can be written: a full disk, a read-only one, too few open files."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.lab.small import PROGRAMS, REPOSITORY, environment
from tests.small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRITING = [
    ("schema", "--out", "schemas"),
    ("render", "web", "--packer", "1.6.6", "--out", "rendered"),
]
READING = [("render", "web", "--packer", "1.6.6"), ("deps", "--check"), ("images", "--help")]


def ended(folder: Path, *arguments: str, files: int = 0) -> tuple[int, str]:
    """The exit code of `ami` and what it said; with `files`, that many may be open at once."""
    limit = f"ulimit -n {files}; " if files else ""
    argv = ["bash", "-c", f'{limit}exec "$0" "$@"', str(PROGRAMS / "ami"), *arguments]
    done = subprocess.run(argv, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr + done.stdout
    return done.returncode, done.stderr


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """The shipped workspace on a file system of 2 MB."""
    with small_disk(tmp_path / "disk", "2m") as folder:
        shutil.copy(REPOSITORY / "ami.yml", folder)
        for name in ("packer", "playbooks", "roles"):
            shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        yield folder


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_commands_when_nothing_can_be_written(disk: Path, how: str) -> None:
    """What only reads works. What writes ends with 3, names the file, and leaves none that is half."""
    if how == "full":
        subprocess.run(
            ["dd", "if=/dev/zero", "of=fill", "status=none"], cwd=disk, stderr=subprocess.DEVNULL, check=False
        )
    else:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    for arguments in READING:
        assert ended(disk, *arguments)[0] == 0, arguments
    for arguments in WRITING:
        code, said = ended(disk, *arguments)
        assert (code, said.splitlines()[-1]) == (3, "hint: df -h; then run the command again")
        assert f"cannot write ({arguments[-1]}" in said
    assert [path for path in disk.rglob("*") if path.is_file() and path.parent.name in {"schemas", "rendered"}] == []


def test_commands_when_few_files_may_be_open(disk: Path) -> None:
    """64 are enough to read and to write."""
    for arguments in (*READING, *WRITING):
        assert ended(disk, *arguments, files=64)[0] == 0, arguments
