from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import LackError
from orchestrator.lab.host import emulation
from orchestrator.lab.systems import DEBIAN_12, named

if TYPE_CHECKING:
    from pathlib import Path

REGISTERED = """\
enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: POCF
offset 0
"""


def test_flags_are_those_that_the_kernel_tells() -> None:
    assert emulation.registered(REGISTERED, "flags:") == "POCF"
    assert emulation.registered("enabled\n", "flags:") == ""


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
        emulation.enable(named("debian-12-arm64"))
    assert raised.value.hint == "apt-get install qemu-user-static"


@pytest.mark.parametrize("flags", ["POF", "OC", None])
def test_an_entry_with_which_machines_do_not_work_is_left_and_another_one_registered(
    formats: Path, monkeypatch: pytest.MonkeyPatch, flags: str | None
) -> None:
    """Without F containers have no interpreter, without C nobody becomes root by sudo."""
    conf = formats / "qemu-aarch64.conf"
    conf.write_text(":qemu-aarch64:M::\\x7fELF:\\xff\\xff:/usr/libexec/qemu:OPF\n")
    monkeypatch.setattr(emulation, "ARM64", conf)
    if flags is not None:
        (formats / "qemu-aarch64").write_text(REGISTERED.replace("POCF", flags))
    emulation.enable(named("debian-12-arm64"))
    assert (formats / "register").read_text() == ":ami-lab-arm64:M::\\x7fELF:\\xff\\xff:/usr/libexec/qemu:OPFC"


@pytest.mark.parametrize("is_newer", [True, False])
def test_an_entry_that_is_older_than_qemu_is_made_anew(
    formats: Path, monkeypatch: pytest.MonkeyPatch, *, is_newer: bool
) -> None:
    """The kernel opened the interpreter when the entry was made, and an upgrade does not change that."""
    conf, qemu, entry = formats / "qemu-aarch64.conf", formats / "qemu", formats / "ami-lab-arm64"
    conf.write_text(f":qemu-aarch64:M::\\x7fELF:\\xff\\xff:{qemu}:OPF\n")
    monkeypatch.setattr(emulation, "ARM64", conf)
    qemu.touch()
    entry.write_text(REGISTERED.replace("/usr/libexec/qemu-binfmt/aarch64-binfmt-P", str(qemu)))
    made = qemu.stat().st_ctime + (-60 if is_newer else 60)
    os.utime(entry, (made, made))
    emulation.enable(named("debian-12-arm64"))
    assert entry.read_text() == "-1" if is_newer else entry.read_text().startswith("enabled")
    assert bool((formats / "register").read_text()) == is_newer


def test_what_the_kernel_knows_is_left_as_it_is(formats: Path) -> None:
    (formats / "qemu-aarch64").write_text(REGISTERED)
    emulation.enable(named("debian-12-arm64"))
    assert (formats / "register").read_text() == ""


def test_the_hosts_own_architecture_needs_nothing(formats: Path) -> None:
    emulation.enable(DEBIAN_12)
    assert (formats / "register").read_text() == ""


@pytest.mark.parametrize(("version", "is_enough"), [("7.2.22", False), ("10.0.2", True)])
def test_a_qemu_that_cannot_start_services_is_refused(formats: Path, version: str, *, is_enough: bool) -> None:
    qemu = formats / "qemu"
    qemu.write_text(f"#!/bin/sh\necho 'qemu-aarch64 version {version} (Debian)'\n")
    qemu.chmod(0o755)
    (formats / "qemu-aarch64").write_text(REGISTERED.replace("/usr/libexec/qemu-binfmt/aarch64-binfmt-P", str(qemu)))
    emulation.enable(named("debian-12-arm64"))
    if is_enough:
        emulation.enable(named("debian-13-arm64"))
    else:
        with pytest.raises(LackError, match="debian-13-arm64 needs QEMU 8 or newer"):
            emulation.enable(named("debian-13-arm64"))
