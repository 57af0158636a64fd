"""`ami shell`: on a machine that runs, and on one that is launched for it."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.tags import Tag
from tests.cli.terminal import seen
from tests.lab.small import NOTHING, PROGRAMS, environment

if TYPE_CHECKING:
    from tests.lab.conftest import Bench
    from tests.lab.small import Small

pytestmark = pytest.mark.long(45)

OF_A_RUN = {Tag.RUN: "20261127T000000Z-abcdef", Tag.PURPOSE: "validate", Tag.IMAGE: "tiny"}
VERSION = {Tag.IMAGE: "tiny", Tag.VERSION: "20261127T000000Z-abcdefab", Tag.FINGERPRINT: "ab" * 32, Tag.STATE: "built"}


def tags(values: dict[Any, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


def test_ami_shell_when_an_instance_runs(small: Small, bench: Bench, light_ami: str, ec2: Any) -> None:
    """Only on one of the factory's own; Ctrl-C and the exit code are those of the command."""
    small.ami("shell", "i-0123456789abcdef0", "--", "true", code=2)
    instance = bench.launch(ImageId=light_ami)
    small.ami("shell", instance, "--", "true", code=2)
    ec2.create_tags(Resources=[instance], Tags=tags(OF_A_RUN))
    assert small.ami("shell", instance, "--", "sh", "-c", "id -un; exit 9", code=9) == "root\n"
    script = 'trap "echo caught; exit 3" INT; echo "press]: "; sleep 60 & wait'
    argv = [str(PROGRAMS / "ami"), "shell", instance, "--", "sh", "-c", script]
    screen = seen(argv, 80, cwd=small.root, keys=b"\x03", env=environment())
    assert screen.code == 3, screen.text
    assert "caught" in screen.lines[-1]
    assert bench.describe(instance)["State"]["Name"] == "running"


def test_ami_shell_when_it_launches_an_ami(small: Small, light_ami: str, ec2: Any) -> None:
    """The machine is gone with the command, and a sweep removes it when `ami` was killed."""
    ami = ec2.copy_image(Name="tiny-shell", SourceImageId=light_ami, SourceRegion="us-east-1")["ImageId"]
    ec2.get_waiter("image_available").wait(ImageIds=[ami], WaiterConfig={"Delay": 1})
    ec2.create_tags(Resources=[ami], Tags=tags(VERSION))
    small.ami("shell", "tiny", "--", "true", code=2)  # nobody can be asked
    assert small.ami("shell", "tiny", "--yes", "--", "sh", "-c", "echo here; exit 7", code=7) == "here\n"
    assert small.left_over() == NOTHING
    argv = [PROGRAMS / "ami", "shell", ami, "--yes", "--", "sh", "-c", "echo here; sleep 300"]
    with subprocess.Popen(argv, cwd=small.root, env=environment(), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(small.left_over()["instances"]) == 1
    small.ami("sweep", "--yes")
    assert small.left_over() == NOTHING
