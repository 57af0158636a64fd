"""`make test PACKERS=DIR:DIR` runs the build tests also with the Packers that lie there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.packers.install import install
from tests.packers.option import NONE_GIVEN

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.long(60)

REPOSITORY = Path(__file__).parents[2]
NAMED = "tests/lab/test_packer_programs.py"


def pytest_of(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A run of tests of its own, in its own lab."""
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Two folders, each with a program `packer` and a folder `plugins`."""
    return [str(install(tmp_path / version, version).folder) for version in ("1.9.5", "1.16.0")]


def test_make_hands_the_folders_on(folders: Sequence[str]) -> None:
    argv = ["make", "--dry-run", "test", f"PACKERS={':'.join(folders)}"]
    printed = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert re.search(rf"^pytest .*--packers={':'.join(folders)}$", printed, re.MULTILINE)
    plain = subprocess.run(argv[:3], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert "--packers" not in plain


def test_named_packers_are_run(folders: Sequence[str]) -> None:
    """Each of them, marked by its version; here both are programs for tests."""
    done = pytest_of(f"--packers={':'.join(folders)}", NAMED, "-k", "named", "-v")
    for test in ("test_image_is_validated_with_a_named_packer", "test_named_packer_without_its_plugins"):
        for version in ("1.9.5", "1.16.0"):
            assert f"{test}[packer-{version}] PASSED" in done.stdout, done.stdout
    assert "not run with other Packers" not in done.stdout


def test_tests_are_told_as_not_run_when_none_is_named() -> None:
    """By their names."""
    done = pytest_of(NAMED, "tests/lab/test_build_packer.py", "-k", "named or other-packers")
    assert done.returncode == 0
    assert NONE_GIVEN in done.stdout
    names = done.stdout.partition("not run with other Packers")[2].splitlines()
    assert f"{NAMED}::test_image_is_validated_with_a_named_packer[other-packers]" in names
    assert "tests/lab/test_build_packer.py::test_failed_task_is_named_and_nothing_stays[other-packers]" in names


def test_folder_without_a_packer_is_refused(tmp_path: Path) -> None:
    """Before any test begins."""
    done = pytest_of(f"--packers={tmp_path}", NAMED)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "has no program `packer` or no folder `plugins`" in done.stderr
