"""An image for several bases: each variant is built, tested and listed by itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.lab import lifecycle
from tests.cli.contract import printed
from tests.lab.small import PROGRAMS, REPOSITORY, environment
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.lab.settings import Settings
    from tests.lab.small import Small

pytestmark = pytest.mark.long(40)

EXAMPLE = REPOSITORY / "docs/examples/variants"
VARIED = """
name: tiny
description: a small image
owner: {team: tests, email: tests@example.com}
variants: [light, other: {from: light}]
layers: [base, workload: {variants: {other: {roles: [extra]}}}]
"""


def test_build_one_variant(small: Small) -> None:
    """The others stay as they are; the name of the image alone means all of them."""
    small.role("extra", "extra")
    small.write("packer/images/tiny.yml", VARIED)
    assert small.planned() == {"stack-base": "build", "tiny@light": "build", "tiny@other": "build"}
    small.ami("build", "tiny@other", "--yes")
    assert {name: one["state"] for name, one in small.listed("tiny").items()} == {"tiny@other": "validated"}
    assert small.planned() == {"stack-base": "build", "tiny@light": "build", "tiny@other": "reuse"}
    (ami,) = [one["ami_id"] for one in json.loads(small.ami("show", "tiny", "--json"))["variants"][1]["versions"]]
    assert small.ami("latest", "tiny@other", "-q").strip() == ami
    (built,) = [one for one in small.images() if one["ImageId"] == ami]
    assert built["Name"].startswith("tiny@other-")
    report = json.loads((small.last_run() / "tiny@other/report.json").read_text())
    assert {test["role"] for test in report["tests"]} >= {"marker", "extra"}


@pytest.mark.systems
@pytest.mark.timeout(7200)
def test_golden_and_web_on_other_systems(lab: Settings, bench: Any, ec2: Any, tmp_path: Path) -> None:
    """The example is built for Debian 12 and 13 and for arm64, and its machines are what they say."""
    lifecycle.add_systems(lab, ["debian-13", "debian-12-arm64"], print)
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".ami"))
    workspace = (EXAMPLE / "ami.yml").read_text().replace("../../..", str(REPOSITORY))
    (tmp_path / "ami.yml").write_text(workspace)
    variables = tmp_path / "packer/environments/lab.pkrvars.hcl"
    variables.write_text(variables.read_text().replace("http://127.0.0.1:4999", lab.endpoint))
    names = ["golden-everywhere", "web-everywhere"]
    done = subprocess.run(
        [PROGRAMS / "ami", "build", "--yes", "--json", *names], cwd=tmp_path, env=environment(), stdout=-1, check=False
    )
    images = printed(done.stdout.decode())["images"]
    expected = {f"{name}@{base}" for name in names for base in ("debian-12", "debian-13", "debian-12-arm64")}
    assert {one["image"] for one in images if one["status"] == "validated"} == expected, images
    (web,) = [one["ami_id"] for one in images if one["image"] == "web-everywhere@debian-12-arm64"]
    assert ec2.describe_images(ImageIds=[web])["Images"][0]["Architecture"] == "arm64"
    profile = {"Name": "ami-lab"}
    machine = bench.launch(ImageId=web, InstanceType="t4g.small", IamInstanceProfile=profile)
    until(lambda: bench.ping(machine) == "Online", f"{machine} Online", 600)
    assert bench.shell(machine, "uname -m; cat /etc/image-release").splitlines()[:2] == [
        "aarch64",
        'IMAGE_NAME="web-everywhere@debian-12-arm64"',
    ]
