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

pytestmark = pytest.mark.long(30)

REPOSITORY = Path(__file__).parents[2]
NAMED, BUILDS = "tests/lab/test_packer_programs.py", "tests/lab/test_build_packer.py"


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
    done = pytest_of(f"--packers={':'.join(folders)}", NAMED, "-k", "named_packer_without", "-vv")
    for version in ("1.9.5", "1.16.0"):
        assert f"test_named_packer_without_its_plugins[packer-{version}] PASSED" in done.stdout, done.stdout
    assert "not run with other Packers" not in done.stdout


def test_build_tests_are_run_with_named_packers(folders: Sequence[str]) -> None:
    """Each of them with PATH's own Packer and with each that was named."""
    done = pytest_of(f"--packers={':'.join(folders)}", "--collect-only", BUILDS)
    names = [line.partition("[")[0] for line in done.stdout.splitlines() if line.startswith(BUILDS)]
    for packer in ("own", "packer-1.9.5", "packer-1.16.0"):
        marked = [line for line in done.stdout.splitlines() if re.search(rf"\[(.*-)?{packer}(-.*)?\]$", line)]
        assert {line.partition("[")[0] for line in marked} == set(names)


def test_tests_are_told_as_not_run_when_none_is_named() -> None:
    """By their names."""
    done = pytest_of(NAMED, BUILDS, "-k", "other-packers")
    assert done.returncode == 0
    assert NONE_GIVEN in done.stdout
    names = done.stdout.partition("not run with other Packers")[2].splitlines()
    assert f"{NAMED}::test_image_is_validated_with_a_named_packer[other-packers]" in names
    assert f"{BUILDS}::test_failed_task_is_named_and_nothing_stays[other-packers]" in names


def test_folder_without_a_packer_is_refused(tmp_path: Path) -> None:
    """Before any test begins."""
    done = pytest_of(f"--packers={tmp_path}", NAMED)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "has no program `packer` or no folder `plugins`" in done.stderr
