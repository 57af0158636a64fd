"""The driver with a real Packer on a null source: failures are told, interrupts reach it, nothing stays."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from orchestrator.aws.account import Account
from orchestrator.build.build import BuildFailed, BuildRequest, build
from orchestrator.build.packer.installed import packer
from orchestrator.errors import Interrupted, LackError
from orchestrator.progress import Event, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

TEMPLATE = """
variable "version" {}
variable "run" {}
variable "workspace" {}
variable "ansible_command" {}
variable "run_tags" { type = map(string) }
variable "ami_tags" { type = map(string) }
variable "security_group_id" {}
variable "ssh_keypair_name" {}
variable "ssh_private_key_file" {}
source "null" "web" { communicator = "none" }
build {
  sources = ["source.null.web"]
  provisioner "shell-local" { inline = ["exec COMMAND"] }
}
"""


@pytest.fixture
def request_to(tmp_path: Path) -> Iterator[Callable[[str], BuildRequest]]:
    """A build whose only step is to run a command on this machine."""

    def make(command: str) -> BuildRequest:
        template = tmp_path / "web.pkr.hcl"
        template.write_text(TEMPLATE.replace("COMMAND", command))
        (tmp_path / "env.pkrvars.hcl").write_text("")
        account = Account("us-east-1", access_key="test", secret_key=SECRET)
        return BuildRequest(
            "web", "v1", "run-1", template, tmp_path / "env.pkrvars.hcl", tmp_path / "log", tmp_path, account
        )

    with mock_aws():
        yield make


def left(account: Account) -> tuple[list[str], list[str]]:
    ec2 = account.client("ec2")
    keys = [str(key["KeyName"]) for key in ec2.describe_key_pairs()["KeyPairs"]]
    groups = [str(group["GroupName"]) for group in ec2.describe_security_groups()["SecurityGroups"]]
    return keys, [group for group in groups if group != "default"]


def at_provisioning(act: Callable[[], None]) -> Callable[[Event], None]:
    def listen(event: Event) -> None:
        if event.stage is Stage.PROVISION and event.message.startswith("Running local shell script"):
            threading.Timer(0.3, act).start()

    return listen


def alive(marker: str) -> list[str]:
    """Processes with an argument that no other program has."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            argv = (process / "cmdline").read_bytes().split(b"\0")
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if marker.encode() in argv and state != "Z":
            found.append(process.name)
    return found


def test_version_is_packers() -> None:
    assert [part.isdigit() for part in packer().version.split(".")] == [True] * 3


def test_failure_says_what_packer_said_and_where_the_log_is(request_to: Callable[[str], BuildRequest]) -> None:
    request = request_to(f"sh -c 'echo about {SECRET}; exit 3'")
    with pytest.raises(BuildFailed, match="non-zero exit status: 3") as failed:
        build(request)
    log = failed.value.log.read_text()
    assert "about ********" in log
    assert SECRET not in log + failed.value.message + "".join(
        path.read_text() for path in request.folder.iterdir() if path.is_file()
    )
    assert left(request.account) == ([], [])


def test_build_without_an_ami_is_a_failure(request_to: Callable[[str], BuildRequest]) -> None:
    with pytest.raises(BuildFailed, match="made no AMI"):
        build(request_to("true"))


def test_stopped_before_the_start_does_nothing(request_to: Callable[[str], BuildRequest]) -> None:
    request = request_to("true")
    request.stop.set()
    with pytest.raises(Interrupted, match="not started"):
        build(request)
    assert not request.folder.exists()


def test_interrupt_ends_packer_and_what_it_started(request_to: Callable[[str], BuildRequest]) -> None:
    request = request_to("sleep 663.25")
    began = time.monotonic()
    with pytest.raises(Interrupted, match="nothing was left behind"):
        build(request, at_provisioning(request.stop.set))
    assert time.monotonic() - began < 300
    assert "Cleanly cancelled builds" in (request.folder / "packer.log").read_text()
    assert alive("663.25") == []
    assert left(request.account) == ([], [])


def test_urgent_request_ends_what_ignores_an_interrupt(request_to: Callable[[str], BuildRequest]) -> None:
    request = request_to("env --ignore-signal=INT sleep 64.25")

    def stop() -> None:
        request.stop.set()
        request.urgent.set()

    with pytest.raises(Interrupted):
        build(request, at_provisioning(stop))
    assert alive("64.25") == []
    assert left(request.account) == ([], [])


def test_killed_packer_is_told_and_cleaned_up_after(request_to: Callable[[str], BuildRequest]) -> None:
    request = request_to("sleep 65.25")

    def kill() -> None:
        for pid in alive(str(request.template)):
            os.kill(int(pid), signal.SIGKILL)

    with pytest.raises(BuildFailed, match="ended by signal 9"):
        build(request, at_provisioning(kill))
    assert alive("65.25") == []
    assert left(request.account) == ([], [])


def test_process_with_a_session_of_its_own_ends_with_the_build(request_to: Callable[[str], BuildRequest]) -> None:
    with pytest.raises(BuildFailed):
        build(request_to("sh -c 'setsid sleep 66.25 >/dev/null 2>&1 & sleep 1'"))
    assert alive("66.25") == []


def test_private_key_is_gone_after_the_build(request_to: Callable[[str], BuildRequest], tmp_path: Path) -> None:
    with pytest.raises(BuildFailed):
        build(request_to(f"cp ${{var.ssh_private_key_file}} {tmp_path}/seen"))
    assert (tmp_path / "seen").read_text().startswith("-----BEGIN")
    variables = (tmp_path / "log" / "run.pkrvars.json").read_text()
    assert "PRIVATE KEY" not in variables


def test_silent_endpoint_is_a_lack(tmp_path: Path, request_to: Callable[[str], BuildRequest]) -> None:
    template = request_to("true")
    nowhere = Account("us-east-1", endpoint="http://127.0.0.1:9", access_key="test", secret_key="test")
    request = BuildRequest(
        "web", "v1", "run-1", template.template, template.var_file, tmp_path / "log", tmp_path, nowhere
    )
    with mock_aws(), pytest.raises(LackError, match="nothing answers at"):
        build(request)
