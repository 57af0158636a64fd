"""A command that is forked does what the program does: else what tests see of it would say nothing of the program."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.lab.forked import AMI, forked
from tests.lab.small import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def without_lab(tmp_path: Path, free_port: Callable[[], int]) -> Path:
    """A workspace whose lab is not there. That of the usual port may be: somebody's own."""
    forked("init", "team", cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)})
    variables = tmp_path / "team/packer/environments/lab.pkrvars.hcl"
    variables.write_text(variables.read_text().replace(":4999", f":{free_port()}"))
    return tmp_path / "team"


@pytest.mark.parametrize(("arguments", "code"), [(("images",), 0), (("plan", "--json"), 3), (("no",), 2)])
def test_forked_command_says_what_the_program_says(without_lab: Path, arguments: tuple[str, ...], code: int) -> None:
    """Both streams and the exit code, whatever a person has set."""
    env = {**os.environ, **HOSTILE, "COLUMNS": "77"}
    told = forked(*arguments, cwd=without_lab, env=env)
    done = subprocess.run([AMI, *arguments], cwd=without_lab, env=env, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (done.returncode, done.stdout, done.stderr)
    assert told.returncode == code


def test_forked_commands_know_nothing_of_each_other(tmp_path: Path) -> None:
    """Variables, folder and what was learned end with each command."""
    made = forked("init", "team", cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)})
    assert (made.returncode, (tmp_path / "team/ami.yml").is_file()) == (0, True)
    inside, outside = (forked("images", cwd=folder, env=os.environ) for folder in (tmp_path / "team", tmp_path))
    assert (inside.returncode, outside.returncode) == (0, 2)
