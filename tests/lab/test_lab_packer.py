"""The Packer that Debian packages builds an AMI here with nothing but an endpoint."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.lab.settings import Settings

TEMPLATE = """
source "amazon-ebs" "tiny" {
  region                      = "us-east-1"
  access_key                  = "lab"
  secret_key                  = "lab"
  custom_endpoint_ec2         = "ENDPOINT"
  skip_region_validation      = true
  skip_credential_validation  = true
  skip_metadata_api_check     = true
  instance_type               = "t3.small"
  ssh_username                = "admin"
  ssh_interface               = "private_ip"
  ami_name                    = "by packer"
  run_tags                    = { "ami:run" = "tests" }
  run_volume_tags             = { "ami:run" = "tests" }
  snapshot_tags               = { "ami:run" = "tests" }
  tags                        = { "ami:run" = "tests" }
  source_ami_filter {
    filters     = { name = "debian-12-amd64-*", virtualization-type = "hvm", root-device-type = "ebs" }
    owners      = ["136693071363"]
    most_recent = true
  }
}
build {
  sources = ["source.amazon-ebs.tiny"]
  provisioner "shell" {
    inline = ["echo packed | sudo tee /root/packed"]
  }
}
"""


def test_packer_builds_an_image_and_leaves_nothing_else(lab: Settings, ec2: Any, bench: Any, tmp_path: Path) -> None:
    template = tmp_path / "tiny.pkr.hcl"
    template.write_text(TEMPLATE.replace("ENDPOINT", lab.endpoint))
    before = [pair["KeyName"] for pair in ec2.describe_key_pairs()["KeyPairs"]]
    done = subprocess.run(
        ["packer", "build", "-color=false", str(template)],
        env={**os.environ, "AWS_POLL_DELAY_SECONDS": "1", "PACKER_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (image,) = ec2.describe_images(Owners=["self"], Filters=[{"Name": "tag:ami:run", "Values": ["tests"]}])["Images"]
    assert [pair["KeyName"] for pair in ec2.describe_key_pairs()["KeyPairs"]] == before
    assert [group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]] == ["default"]
    instance_id = bench.launch(ImageId=image["ImageId"])
    assert bench.shell(instance_id, "cat /root/packed") == "packed\n"
    bench.close()
    bench.launched.clear()
    bench.discard(image["ImageId"])
