"""The script that brings the SSM agent, run with programs of a test's own in the place of a system's."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from orchestrator.render import bootstrap

if TYPE_CHECKING:
    from pathlib import Path

#: Each says how it was called.
SAYS = '#!/bin/sh\necho "$(basename "$0")" "$@" >>"$LOG"\n'
DEB, RPM = "dpkg -i", "rpm -U"


class System:
    """A folder of programs, and what they were called with."""

    def __init__(self, root: Path, *programs: str, machine: str = "x86_64", agent: bool = False) -> None:
        self.root, self.log = root / "bin", root / "log"
        self.root.mkdir()
        for name in programs:
            self.program(name, SAYS)
        self.program("uname", f"#!/bin/sh\necho {machine}\n")
        known = "exit 0" if agent else "exit 1"
        self.program("systemctl", f'{SAYS}[ "$1" != cat ] || {known}\n')
        for name in ("sh", "mktemp", "rm", "basename", "sha256sum"):
            (self.root / name).symlink_to(f"/usr/bin/{name}")

    def program(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)
        (self.root / name).chmod(0o755)

    def run(self, region: str = "eu-west-1", url: str = "", checksum: str = "") -> tuple[int, list[str]]:
        settings = [f"region='{region}'", f"url='{url}'", f"checksum='{checksum}'"]
        script = "\n".join([*settings, *bootstrap.script()])
        variables = {"PATH": str(self.root), "LOG": str(self.log)}
        done = subprocess.run([self.root / "sh"], input=script, env=variables, text=True, check=False)
        return done.returncode, self.log.read_text().splitlines()


@pytest.mark.parametrize(
    ("programs", "machine", "region", "address"),
    [
        (DEB, "x86_64", "eu-west-1", "s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/latest/debian_amd64/X.deb"),
        (DEB, "aarch64", "eu-west-1", "s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/latest/debian_arm64/X.deb"),
        (RPM, "x86_64", "us-east-1", "s3.us-east-1.amazonaws.com/amazon-ssm-us-east-1/latest/linux_amd64/X.rpm"),
        (RPM, "aarch64", "cn-north-1", "s3.cn-north-1.amazonaws.com.cn/amazon-ssm-cn-north-1/latest/linux_arm64/X.rpm"),
    ],
)
def test_the_package_is_that_of_system_machine_and_region(
    tmp_path: Path, programs: str, machine: str, region: str, address: str
) -> None:
    code, called = System(tmp_path, "curl", programs[:4].strip(), machine=machine).run(region)
    assert code == 0
    assert f"https://{address.replace('X', 'amazon-ssm-agent')}" in called[2]
    assert called[3].startswith(programs)
    assert called[-1] == "systemctl enable --now amazon-ssm-agent.service"


def test_an_agent_that_is_there_is_started_and_nothing_is_loaded(tmp_path: Path) -> None:
    code, called = System(tmp_path, "curl", "dpkg", agent=True).run()
    assert code == 0
    assert called == [
        "systemctl cat amazon-ssm-agent.service",
        "systemctl enable --now amazon-ssm-agent.service",
    ]


def test_another_address_goes_over_that_of_the_region(tmp_path: Path) -> None:
    _, called = System(tmp_path, "curl", "dpkg").run(url="https://mirror.example/agent.deb")
    assert called[2].endswith("https://mirror.example/agent.deb")


def test_a_package_with_another_checksum_is_not_installed(tmp_path: Path) -> None:
    system = System(tmp_path, "dpkg")
    system.program("curl", '#!/bin/sh\necho changed >"$3"\n')
    code, called = system.run(checksum=f"sha256:{0:064}")
    assert code != 0
    assert not any(line.startswith("dpkg") for line in called)
