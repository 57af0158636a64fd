"""What `ami` says of itself."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.terminal import seen

AMI = str(Path(sys.executable).parent / "ami")


@pytest.mark.parametrize("columns", [80, 160])
def test_help_when_summaries_are_long(columns: int) -> None:
    """Every summary stands whole, in lines as wide as the terminal."""
    screen = seen([AMI, "--help"], columns)
    assert not any(line.endswith("...") for line in screen.lines if "Usage" not in line)
    assert "list the versions of all images, newest first, and then the amis that no build finished" in " ".join(
        screen.text.lower().split()
    )
    assert max(map(len, screen.lines)) <= columns
    assert (max(map(len, screen.lines)) > 80) == (columns > 80)


def test_help_of_a_command() -> None:
    """`ami help lab up` is `ami lab up --help`, and a typo gets the nearest name."""
    asked = subprocess.run([AMI, "help", "lab", "up"], capture_output=True, text=True, check=True).stdout
    assert (
        asked.strip()
        == subprocess.run([AMI, "lab", "up", "-h"], capture_output=True, text=True, check=True).stdout.strip()
    )
    wrong = subprocess.run([AMI, "help", "biuld"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr) == (
        2,
        "error: there is no command 'biuld' (did you mean 'build'?)\nhint: ami help\n",
    )


def test_version() -> None:
    said = subprocess.run([AMI, "--version"], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"ami \d+\.\d+\.\d+\S*\n", said)
