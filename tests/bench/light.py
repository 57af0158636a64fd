"""A Debian that boots with half the work, for benches of something else than machines."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.lab.conftest import LIGHTEN
from tests.lab.small import LIGHT

if TYPE_CHECKING:
    from tests.bench.setting import Setting


def light_image(setting: Setting) -> None:
    """Make the AMI `tests.lab.small.LIGHT` in the bench's lab."""
    ec2 = setting.lab.ec2
    named = [{"Name": "name", "Values": ["debian-12-amd64-*"]}]
    debian = ec2.describe_images(Owners=["136693071363"], Filters=named)["Images"][0]["ImageId"]
    (machine,) = ec2.run_instances(ImageId=debian, MinCount=1, MaxCount=1, InstanceType="t3.small")["Instances"]
    name, wanted = f"ami-lab-{setting.lab.name}-{machine['InstanceId']}", [machine["InstanceId"]]
    ec2.get_waiter("instance_running").wait(InstanceIds=wanted)
    script = "for i in $(seq 600); do [ -e /run/cloud-init/result.json ] && break; sleep 0.2; done\n" + LIGHTEN
    subprocess.run(["podman", "exec", name, "sh", "-c", script], check=True, capture_output=True)
    image = ec2.create_image(InstanceId=machine["InstanceId"], Name=LIGHT)["ImageId"]
    ec2.get_waiter("image_available").wait(ImageIds=[image])
    ec2.terminate_instances(InstanceIds=wanted)
