"""What the program for tests does in the lab: a machine, its AMI, and their tags. It never asks AWS itself."""

from __future__ import annotations

import os
import subprocess
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.aws.account import Account, AwsError, error_code

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.packers.template import Template

#: What the machine is given in the place of the recorded playbooks.
_MACHINE = Path(__file__).parent / "machine.sh"

#: Since these versions the amazon plugin puts run tags on the AMI and its snapshots, and can be told not to.
_RUN_TAGS, _SKIPS_RUN_TAGS = (1, 0, 2), (1, 3, 7)
#: The plugin that asks its endpoint with its first client alone (AWS SDK v2).
SDK_V2 = (1, 8, 0)


class Refused(Exception):
    """What the account refused, in the words of the builder."""


class Builder:
    """One build's part of an account. `pause` waits between two looks, and raises when the build is cancelled."""

    def __init__(self, template: Template, amazon: tuple[int, ...], pause: Callable[[float], None]) -> None:
        self.template = template
        self.instance = ""
        self.address = ""
        self.ami = ""
        self.amazon = amazon
        self._pause = pause

    @cached_property
    def _ec2(self) -> Any:
        get = self.template.get
        endpoint = os.environ.get("AWS_ENDPOINT_URL_EC2") or os.environ.get("AWS_ENDPOINT_URL")
        endpoint = get("custom_endpoint_ec2") or endpoint
        if not endpoint:
            raise Refused("the program for tests builds in the lab alone: it needs an endpoint")
        return Account(get("region"), "", endpoint, get("access_key") or "lab", get("secret_key") or "lab").client(
            "ec2"
        )

    @property
    def reaches_all(self) -> bool:
        """Whether every client of the plugin asks the endpoint, and not only the first one."""
        return self.amazon < SDK_V2 or bool(
            os.environ.get("AWS_ENDPOINT_URL_EC2") or os.environ.get("AWS_ENDPOINT_URL")
        )

    def named(self, name: str) -> str:
        """The id of an AMI of ours with a name; empty when there is none to be seen."""
        images = self._ec2.describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": [name]}])["Images"]
        return str(images[0]["ImageId"]) if images else ""

    @cached_property
    def source(self) -> str:
        """The newest AMI that fits what the template asks for."""
        wanted = self.template.blocks.get("source_ami_filter", {})
        filters = [{"Name": name, "Values": [value]} for name, value in (wanted.get("filters") or {}).items()]
        if given := self.template.get("source_ami"):
            filters.append({"Name": "image-id", "Values": [given]})
        owners = {"Owners": wanted["owners"]} if wanted.get("owners") else {}
        images = self._ec2.describe_images(Filters=filters, **owners)["Images"]
        if not images:
            raise Refused("Error querying AMI: No AMI was found matching filters")
        return str(max(images, key=lambda image: image["CreationDate"])["ImageId"])

    def launch(self) -> None:
        """The machine, with the tags, the key pair and the network that the template names."""
        get = self.template.get
        tagged = {"instance": get("run_tags", {}), "volume": get("run_volume_tags", {})}
        profile, group = get("iam_instance_profile"), get("security_group_id")
        optional = {
            "IamInstanceProfile": {"Name": profile} if profile else None,
            "SecurityGroupIds": [group] if group else None,
            "KeyName": get("ssh_keypair_name"),
            "SubnetId": get("subnet_id"),
        }
        try:
            made = self._ec2.run_instances(
                ImageId=self.source,
                InstanceType=get("instance_type"),
                MinCount=1,
                MaxCount=1,
                TagSpecifications=_specifications(tagged),
                InstanceInitiatedShutdownBehavior=get("shutdown_behavior", "stop"),
                **{name: value for name, value in optional.items() if value},
            )
        except AwsError as error:
            raise Refused(f"Error launching source instance: {error_code(error)}: {error}") from None
        self.instance = str(made["Instances"][0]["InstanceId"])

    def await_instance(self, state: str) -> None:
        """Wait until the machine is in a state. Raises Refused when it has ended instead."""
        while True:
            try:
                answer = self._ec2.describe_instances(InstanceIds=[self.instance])
            except AwsError as error:
                if error_code(error) != "InvalidInstanceID.NotFound":
                    raise
            else:
                (machine,) = answer["Reservations"][0]["Instances"]
                self.address = machine.get("PrivateIpAddress") or self.address
                now = machine["State"]["Name"]
                if now == state:
                    return
                if now == "terminated":
                    reason = machine.get("StateReason", {}).get("Message", "")
                    raise Refused(f"Error waiting for instance ({self.instance}) to become ready: {reason}")
            self._pause(0.2)

    def provision(self) -> None:
        """Let the machine be as the recorded playbooks would have left it, over SSH as Packer does."""
        get = self.template.get
        argv = ["ssh", "-i", get("ssh_private_key_file"), "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"]
        argv += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=2"]
        argv += ["-o", "ServerAliveInterval=2", "-o", "ServerAliveCountMax=2"]
        argv += [f"{get('ssh_username')}@{self.address}", "sudo sh -s"]
        script = _MACHINE.read_bytes()
        while (done := subprocess.run(argv, input=script, capture_output=True, check=False)).returncode:
            if done.returncode != 255:  # ssh's own code: no connection yet
                raise Refused(f"Error uploading script: {done.stderr.decode('utf-8', 'replace')}")
            self._pause(0.3)

    def stop(self) -> None:
        """Ask for the machine's stop."""
        self._ec2.stop_instances(InstanceIds=[self.instance])

    def create_image(self) -> None:
        """Ask for the AMI."""
        wanted = self.template.get("run_tags", {})
        skipped = self.template.get("skip_ami_run_tags", default=False) and self.amazon >= _SKIPS_RUN_TAGS
        tagged = {} if skipped or self.amazon < _RUN_TAGS else {"image": wanted, "snapshot": wanted}
        made = self._ec2.create_image(
            InstanceId=self.instance, Name=self.template.get("ami_name"), TagSpecifications=_specifications(tagged)
        )
        self.ami = str(made["ImageId"])

    def await_image(self) -> None:
        """Wait until the AMI is available, also while its id is not known everywhere."""
        while True:
            try:
                images = self._ec2.describe_images(ImageIds=[self.ami])["Images"]
            except AwsError as error:
                if error_code(error) != "InvalidAMIID.NotFound":
                    raise
                images = []
            if images and images[0]["State"] == "available":
                return
            if images and images[0]["State"] != "pending":
                raise Refused(f"Error waiting for AMI: unexpected state '{images[0]['State']}'")
            self._pause(0.2)

    def describe(self) -> None:
        """Give the AMI its description."""
        if text := self.template.get("ami_description"):
            self._ec2.modify_image_attribute(ImageId=self.ami, Description={"Value": text})

    def tag(self) -> None:
        """The AMI's tags go onto its snapshots too, and the snapshots' own over them."""
        snapshots = self.snapshots
        for resources, tags in (
            ([self.ami, *snapshots], self.tags),
            (snapshots, self.template.get("snapshot_tags", {})),
        ):
            if resources and tags:
                self._ec2.create_tags(Resources=resources, Tags=_listed(tags))

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the AMI as they are asked for."""
        wanted = self.template.get("tags", {})
        return {key: value.replace("{{ .SourceAMI }}", self.source) for key, value in wanted.items()}

    @property
    def snapshots(self) -> list[str]:
        """The snapshots of the AMI."""
        (image,) = self._ec2.describe_images(ImageIds=[self.ami])["Images"]
        found = (one.get("Ebs", {}).get("SnapshotId") for one in image.get("BlockDeviceMappings", ()))
        return [str(one) for one in found if one]

    def terminate(self) -> None:
        """Ask for the machine's end."""
        self._ec2.terminate_instances(InstanceIds=[self.instance])

    def await_end(self) -> None:
        """Wait until the machine is gone."""
        self.await_instance("terminated")


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _specifications(tagged: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": _listed(tags)} for kind, tags in tagged.items() if tags]
