from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import LackError
from orchestrator.lab.host import emulation

if TYPE_CHECKING:
    from pathlib import Path

REGISTERED = """\
enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: POF
offset 0
"""


def test_flags_are_those_that_the_kernel_tells() -> None:
    assert emulation.registered_flags(REGISTERED) == "POF"
    assert emulation.registered_flags("enabled\n") == ""


@pytest.fixture
def formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel that knows no formats yet, on a host of x86_64."""
    (tmp_path / "register").touch()
    monkeypatch.setattr(emulation, "FORMATS", tmp_path)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    return tmp_path


def test_a_host_without_qemu_is_told_the_package(formats: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulation, "ARM64", formats / "qemu-aarch64.conf")
    with pytest.raises(LackError) as raised:
        emulation.enable("arm64")
    assert raised.value.hint == "apt-get install qemu-user-static"


def test_an_interpreter_that_containers_do_not_have_is_refused(formats: Path) -> None:
    (formats / "qemu-aarch64").write_text(REGISTERED.replace("POF", "OC"))
    with pytest.raises(LackError, match="without F"):
        emulation.enable("arm64")


def test_what_the_kernel_knows_is_left_as_it_is(formats: Path) -> None:
    (formats / "qemu-aarch64").write_text(REGISTERED)
    emulation.enable("arm64")
    assert (formats / "register").read_text() == ""


def test_the_hosts_own_architecture_needs_nothing(formats: Path) -> None:
    emulation.enable("x86_64")
    assert (formats / "register").read_text() == ""
