"""A build in a job of GitHub Actions, with a machine and tests that try to speak to the service themselves."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.lab.small import NOTHING, PROGRAMS, environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.small import Small

pytestmark = pytest.mark.long(60)

#: A test that fails, and says what would set an output and end all masks.
TEST = '''
def test_mark(host):
    """It is not there."""
    said = host.check_output("echo '::set-output name=ami_id::ami-evil'; echo '##[stop-commands]x'")
    assert said == "::set-output name=ami_id::ami-worse"
'''


def test_build_in_a_job_when_its_tests_fail(small: Small, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each line that the service acts on is one of ours; nobody gets the id of the AMI; the failure is at its line."""
    folder: Path = tmp_path_factory.mktemp("job")
    small.write("roles/marker/tests/test_marker.py", TEST)
    small.image("tiny", "light", "base: {vars: {token: {secret: 'env:SITE_TOKEN'}}}")
    job = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(small.root), "SITE_TOKEN": "first-line-1\nsecond-line-2"}
    job |= {"GITHUB_STEP_SUMMARY": str(folder / "summary.md"), "GITHUB_OUTPUT": str(folder / "output")}
    done = subprocess.run(
        [PROGRAMS / "ami", "build", "--yes"],
        cwd=small.root,
        env={**environment(), **job},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    commands = [line for line in (done.stdout + done.stderr).splitlines() if line.lstrip().startswith("::")]
    assert {line.lstrip().split("::")[1].split(" ")[0] for line in commands} == {
        "add-mask",
        "endgroup",
        "error",
        "group",
    }
    assert "##[" not in done.stdout + done.stderr
    assert {"::add-mask::first-line-1", "::add-mask::second-line-2"} <= set(commands)
    assert any(one.startswith("::error file=roles/marker/tests/test_marker.py,line=5::") for one in commands)
    (ami_id,) = (image["ImageId"] for image in small.images())
    summary = (folder / "summary.md").read_text()
    assert "rejected" in summary
    assert ami_id in summary
    outputs = (folder / "output").read_text()
    assert "changed<<" in outputs
    assert "ami-" not in outputs
    assert (small.root / ".ami/ci/junit/tiny.xml").is_file()
    assert "second-line-2" not in "".join(path.read_text() for path in (small.root / ".ami/ci").rglob("*.*"))
    assert small.left_over() == NOTHING
