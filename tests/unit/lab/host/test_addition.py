"""What a lab adds to its machines without a trace on their disks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator import process
from orchestrator.errors import UsageError
from orchestrator.lab.host import agent_package
from orchestrator.lab.host.podman import Addition, name_servers

if TYPE_CHECKING:
    from pathlib import Path

OURS = Addition("169.254.169.253")


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_machines_ask_the_lab_first_and_then_whom_the_host_asks(tmp_path: Path) -> None:
    file = written(tmp_path, "resolv.conf", "search example.com\n# nameserver 10.0.0.9\nnameserver 10.0.0.1\n")
    assert name_servers(OURS, [file]) == ["169.254.169.253", "10.0.0.1"]


def test_a_server_on_the_hosts_loopback_interface_is_none_of_theirs(tmp_path: Path) -> None:
    stub = written(tmp_path, "stub", "nameserver 127.0.0.53\noptions edns0\n")
    real = written(tmp_path, "real", "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n")
    # A resolver asks three (resolv.conf(5)).
    assert name_servers(OURS, [stub, real]) == ["169.254.169.253", "10.0.0.1", "10.0.0.2"]
    assert name_servers(OURS, [stub, tmp_path / "none"]) == ["169.254.169.253"]


def test_other_labs_leave_it_to_podman(tmp_path: Path) -> None:
    assert name_servers(Addition(), [written(tmp_path, "resolv.conf", "nameserver 10.0.0.1\n")]) == []


def test_what_runs_before_init_comes_first() -> None:
    plain, more = Addition().entrypoint, Addition(before_init="echo first\n").entrypoint
    assert more[-1] == f"echo first\n{plain[-1]}"
    assert plain[-1].endswith("exec /sbin/init\n")


def test_a_file_that_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no Debian package"):
        agent_package.check(written(tmp_path, "agent.deb", "not at all"))


def test_another_package_is_refused(tmp_path: Path) -> None:
    control = tmp_path / "tree/DEBIAN/control"
    control.parent.mkdir(parents=True)
    control.write_text("Package: snoopy\nVersion: 1\nArchitecture: all\nMaintainer: T <t@t>\nDescription: x\n")
    deb = tmp_path / "agent.deb"
    process.run(["dpkg-deb", "--build", str(tmp_path / "tree"), str(deb)])
    with pytest.raises(UsageError, match="the package snoopy"):
        agent_package.check(deb)


def test_the_stand_in_is_a_package_of_that_name(tmp_path: Path) -> None:
    agent_package.build(tmp_path / "agent.deb")
    agent_package.adopt(tmp_path / "agent.deb", tmp_path / "copy.deb")
    assert (tmp_path / "copy.deb").read_bytes() == (tmp_path / "agent.deb").read_bytes()
