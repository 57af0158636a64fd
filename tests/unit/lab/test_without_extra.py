"""A lab on a machine where only the command itself is installed."""

from __future__ import annotations

import subprocess
import sys

_WITHOUT = "import sys; sys.modules['moto'] = None; from orchestrator.cli.main import main; main()"


def test_up_when_the_extra_is_missing() -> None:
    """One line says which package is missing, and the next which command installs it."""
    argv = [sys.executable, "-c", _WITHOUT, "lab", "up", "--name", "without-moto"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert done.stderr.splitlines() == [
        "error: the Python package moto is missing, and the lab runs on it",
        "hint: pip install 'ami-factory[lab]'",
    ]
