"""Lists of podman's images, while other labs make and remove theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.lab.host.podman import image_names
from orchestrator.process import ProgramFailed

if TYPE_CHECKING:
    from pathlib import Path

#: What podman 4.3 says when an image that it lists is removed meanwhile.
GONE = 'Error: retrieving label for image "dd8a": reading image "dd8a": locating image with ID "dd8a": image not known'
NAMES = "localhost/ami-lab-a/debian-12:latest sha256:1\nlocalhost/ami-lab.roots/debian-12:2-3 sha256:1"


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A podman that fails as often as `failures` has lines, with the first of them."""
    program = tmp_path / "podman"
    program.write_text(
        f"#!/bin/sh\ncd {tmp_path}\n"
        "if [ -s failures ]; then head -n 1 failures >&2; sed -i 1d failures; exit 125; fi\n"
        f"cat <<'END'\n{NAMES}\nEND\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path / "failures"


def test_image_names_when_an_image_of_another_lab_goes_meanwhile(podman: Path) -> None:
    podman.write_text(f"{GONE}\n{GONE}\n")
    assert image_names("localhost/ami-lab-a/") == {"localhost/ami-lab-a/debian-12:latest": "sha256:1"}
    assert podman.read_text() == ""


def test_image_names_when_podman_cannot_list(podman: Path) -> None:
    """Anything else is told at once."""
    podman.write_text("Error: database is locked\nError: database is locked\n")
    with pytest.raises(ProgramFailed, match="database is locked"):
        image_names("localhost/")
    assert podman.read_text().count("\n") == 1
