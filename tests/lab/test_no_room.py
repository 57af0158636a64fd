"""A build on a disk that fills up on the way: no trace, nothing left in the account, and no half evidence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from tests.lab.small import NOTHING, PROGRAMS, environment
from tests.small_disk import small_disk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.small import Small

pytestmark = pytest.mark.long(60)

#: Bytes that are left: Packer's log, the tasks and the events of a build need some more.
LEFT = 48 * 1024


def test_build_when_the_disk_fills_up(small: Small, tmp_path: Path) -> None:
    with small_disk(tmp_path.with_name(f"{tmp_path.name}-disk"), "2m") as disk:
        shutil.copytree(small.root, disk, dirs_exist_ok=True)
        free = os.statvfs(disk)
        (disk / "fill").write_bytes(b"\0" * (free.f_bavail * free.f_bsize - LEFT))
        argv = [str(PROGRAMS / "ami"), "build", "--yes"]
        done = subprocess.run(argv, cwd=disk, env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode in {1, 3}, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "No space left on device" in done.stderr
        assert small.left_over() == NOTHING
        (run,) = (disk / ".ami/runs").iterdir()
        for path in run.rglob("*.json"):
            json.loads(path.read_text())
        for path in run.rglob("*.jsonl"):
            assert all(json.loads(line) for line in path.read_text().splitlines())
        for path in run.rglob("*.xml"):
            ET.parse(path)
        assert not [path for path in run.rglob("*") if path.name.endswith(".new")]
