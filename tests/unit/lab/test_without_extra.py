"""A lab on a machine where only the command itself is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.lab import extra

_WITHOUT = "import sys; sys.modules['moto'] = None; from orchestrator.cli.main import main; main()"


def test_up_when_the_extra_is_missing() -> None:
    """One line says which package is missing, and the next which command installs it."""
    argv = [sys.executable, "-c", _WITHOUT, "lab", "up", "--name", "without-moto"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})
    assert done.returncode == 3, done.stderr
    assert done.stderr.splitlines() == [
        "error: the Python package moto is missing, and the lab runs on it",
        "hint: pip install 'ami-factory[lab]'",
    ]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("uv-receipt.toml", "uv pip install --python PYTHON 'ami-factory[lab]'"),
        ("pipx_metadata.json", "pipx runpip ami-factory install 'ami-factory[lab]'"),
        ("pyvenv.cfg", "PYTHON -m pip install 'ami-factory[lab]'"),
    ],
)
def test_command_when_it_is_not_pip_on_the_path(
    record: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was installed by pipx or by uv is added to by these; another environment's pip is named by its Python."""
    (tmp_path / record).write_text("")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin/python"))
    assert extra.installing() == expected.replace("PYTHON", str(tmp_path / "bin/python"))
