"""What a machine block says is in the AMI and on the booted machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.process import run
from tests.lab.small import PROGRAMS, environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.small import Small

pytestmark = pytest.mark.long(90)

BLOCK = """
machine:
  root_volume: {size: 20}
  volumes:
    - {device: /dev/sdf, size: 2}
    - {device: /dev/sdg, size: 3, build_only: true}
  encryption: {kms_key: alias/images}
  spot: true
"""
TASKS = """
- name: Put something onto the volume that stays
  ansible.builtin.shell: |
    set -e
    mkfs.ext4 -q /dev/sdf
    mount /dev/sdf /mnt
    echo kept >/mnt/kept
    umount /mnt
  args: {creates: /mnt/kept}
- name: See the volume that does not stay
  ansible.builtin.command: blockdev --getsize64 /dev/sdg
  register: scratch
  changed_when: false
  failed_when: scratch.stdout != "3221225472"
"""
TESTS = '''
def test_data(host):
    """The volume is there with what was written to it, and the other one is not."""
    assert host.run("mount /dev/sdf /mnt && cat /mnt/kept; umount /mnt").stdout == "kept\\n"
    assert not host.file("/dev/sdg").exists
'''


def test_a_machine_block_is_in_the_ami_and_on_the_booted_machine(small: Small, client: Callable[..., Any]) -> None:
    """A larger root, a second volume with content, a key of the account, and no spot capacity at first."""
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/images", TargetKeyId=key)
    small.write("roles/data/tasks/main.yml", TASKS)
    small.write("roles/data/tests/test_data.py", TESTS)
    small.image("tiny", "light", "{base: {roles: [data]}}")
    image = small.root / "packer/images/tiny.yml"
    written = image.read_text()

    assert refusal(small, f"{written}machine: {{instance_types: [t4g.small]}}\n") == (
        "packer/images/tiny.yml:7: no instance type fits 'tiny': t4g.small is for arm64, and 'light' for x86_64"
    )
    assert "cannot shrink to 4" in refusal(small, f"{written}machine: {{root_volume: {{size: 4}}}}\n")
    assert "has no instance type 't3.smal' (did you mean 't3.small'?)" in refusal(
        small, f"{written}machine: {{instance_types: [t3.smal]}}\n"
    )

    image.write_text(written + BLOCK)
    told = small.ami("build", "--yes", "--keep")
    (version,) = small.listed().values()
    assert version["state"] == "validated", told
    assert "no spot capacity for t3.small" in (small.last_run() / "events.jsonl").read_text()

    (ami,) = small.ec2.describe_images(ImageIds=[version["ami_id"]])["Images"]
    disks = {each["DeviceName"]: each["Ebs"] for each in ami["BlockDeviceMappings"]}
    assert {device: ebs["VolumeSize"] for device, ebs in disks.items()} == {ami["RootDeviceName"]: 20, "/dev/sdf": 2}
    assert {(ebs["Encrypted"], ebs["KmsKeyId"]) for ebs in disks.values()} == {(True, key)}

    report = json.loads((small.last_run() / "tiny/report.json").read_text())
    volumes = small.ec2.describe_volumes(
        Filters=[{"Name": "attachment.instance-id", "Values": [report["instance_id"]]}]
    )["Volumes"]
    assert sorted((each["Size"], each["Encrypted"], each["KmsKeyId"]) for each in volumes) == [
        (2, True, key),
        (20, True, key),
    ]
    machine = next(gate for gate in report["gates"] if gate["gate"] == "machine")
    seen = {each["what"]: (each["found"], each["agrees"]) for each in machine["evidence"]}
    assert seen["volume /dev/sdf"] == ("2 GiB", True)
    assert seen["metadata without a token"] == ("401", True)
    assert seen["root file system"][1] is None, "a container has no disk of its own below /"
    small.ec2.terminate_instances(InstanceIds=[report["instance_id"]])


def refusal(small: Small, text: str) -> str:
    """What `ami plan` says, with exit code 2, of an image that is written so."""
    (small.root / "packer/images/tiny.yml").write_text(text)
    argv = [str(PROGRAMS / "ami"), "plan"]
    done = run(argv, cwd=small.root, env=environment(), check=False)
    assert done.code == 2, done.err
    return done.err.splitlines()[0]
