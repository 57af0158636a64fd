"""Folders of a build: private while it runs, removed when it ended in whatever way."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest
import yaml

from orchestrator.build.ansible.secret_files import Verbatim, secret_folder
from orchestrator.files import held_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLDS = """
import sys, time
from pathlib import Path
from orchestrator.files.held_folder import held_folder
with held_folder(Path(sys.argv[1])) as folder:
    (folder / "secret").write_text("s3cret")
    print(folder, flush=True)
    time.sleep(60)
"""


def test_clear_when_one_was_killed_and_one_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed process left is removed; what a living one has stays."""
    monkeypatch.setattr(held_folder, "in_memory", lambda: tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    argv = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process, held_folder.held_folder(tmp_path) as own:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        assert (left.stat().st_mode & 0o777, held_folder.clear_abandoned()) == (0o700, ())
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (left / "secret").exists()
        assert held_folder.clear_abandoned() == (left,)
        assert (own.exists(), left.exists()) == (True, False)
    assert not own.exists()


def test_clear_when_a_folder_is_just_being_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds that begin at once clear at any moment, also between the making of a folder and its lock."""
    monkeypatch.setattr(held_folder, "in_memory", lambda: tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    lock = fcntl.flock
    cleared: list[tuple[Path, ...]] = []

    def lock_late(file: IO[bytes], operation: int) -> None:
        if not operation & fcntl.LOCK_NB:
            cleared.append(held_folder.clear_abandoned())
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    with held_folder.held_folder(tmp_path) as own:
        assert (cleared, own.exists()) == ([()], True)


def test_clear_when_somebody_was_told_to_use_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept stays after its process, and nobody clears it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with held_folder.held_folder(kept=lambda: True) as own:
        (own / "key").touch()
    assert (held_folder.clear_abandoned(), (own / "key").exists()) == ((), True)


@pytest.fixture
def of_nobody() -> Iterator[Path]:
    """A folder of a user to whom modes matter, as they do not to root, whose user this process is meanwhile."""
    user = 65534 if os.geteuid() == 0 else os.geteuid()
    with tempfile.TemporaryDirectory() as base:
        os.chown(base, user, -1)
        mine = os.geteuid()
        os.seteuid(user)
        try:
            yield Path(base)
        finally:
            os.seteuid(mine)


def test_folder_when_what_is_in_it_is_closed(of_nobody: Path) -> None:
    """Copies of a user's files keep their modes, and go nevertheless; what a link leads to stays as it is."""
    elsewhere = of_nobody / "elsewhere"
    elsewhere.mkdir(mode=0o500)
    with held_folder.held_folder(of_nobody) as own:
        (own / "closed/below").mkdir(parents=True)
        (own / "link").symlink_to(elsewhere)
        (own / "closed/below").chmod(0o500)
        (own / "closed").chmod(0o500)
    assert (own.exists(), elsewhere.stat().st_mode & 0o777) == (False, 0o500)


def test_secret_folder_when_a_value_has_everything_in_it() -> None:
    """Ansible reads each text as it was, and takes no brace for a template."""
    value = "{{ a }} 'b' \"c\" $d\n\té€\U0001f600: #"
    with secret_folder({"base": {"deep": [{"password": Verbatim(value)}]}, "none": {}}, [value]) as folder:
        written = folder / "base.yml"
        assert written.stat().st_mode & 0o077 == 0
        assert not (folder / "none.yml").exists()
        text = written.read_text()
        assert "!unsafe" in text
        assert yaml.safe_load(text.replace("!unsafe", "")) == {"deep": [{"password": value}]}
    assert not folder.exists()
