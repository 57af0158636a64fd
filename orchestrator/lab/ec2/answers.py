"""Answers of EC2 that moto gives from a sample, or without looking at what was asked."""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any, cast

from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores, utcnow
from moto.ec2.responses import EC2Response
from moto.kms.exceptions import NotFoundException as KmsNotFound
from moto.kms.models import kms_backends

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2 import limits as ec2_limits
from orchestrator.lab.ec2.changes import Changes

if TYPE_CHECKING:
    from collections.abc import Callable


class LabResponse(EC2Response):
    """moto's answers, with those of the lab in their place."""

    console: Callable[[str], bytes]
    changes = Changes()

    def call_action(self) -> Any:
        """Any call, once its parameters have the form that EC2 asks for. A dry run ends there (412 DryRunOperation)."""
        action = self._get_action()
        ec2_limits.check(action, self.params)
        if not hasattr(self, camelcase_to_underscores(action)):
            raise AwsFault("InvalidAction", f"The action {action} is not valid for this web service.")
        if self._get_bool_param("DryRun", False):
            raise AwsFault("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        type(self).changes.note(action, self.params, self.ec2_backend)
        return super().call_action()

    def run_instances(self) -> ActionResult:
        """RunInstances, of as many as MaxCount says: there is room for all of them or for none."""
        least, most = self._get_int_param("MinCount", 1), self._get_int_param("MaxCount", 1)
        if not 1 <= least <= most:
            what = f"Value ( {least} ) for parameter minCount is invalid. It must be between 1 and maxCount, {most}."
            raise AwsFault("InvalidParameterValue", what)
        self.params["MinCount"] = most
        return super().run_instances()

    def create_image(self) -> ActionResult:
        """CreateImage, with NoReboot and the tags of snapshots."""
        image = self.ec2_backend.create_image(
            self._get_param("InstanceId"),
            self._get_param("Name"),
            self._get_param("Description", ""),
            self._get_param("TagSpecifications", []),
            self._get_param("BlockDeviceMappings", []),
            reboot=not self._get_bool_param("NoReboot", False),
        )
        return ActionResult({"ImageId": image.id})

    def copy_image(self) -> ActionResult:
        """CopyImage, with Encrypted and KmsKeyId."""
        key = self._key(self._get_param("KmsKeyId", "")) if self._get_bool_param("Encrypted", False) else ""
        image = self.ec2_backend.copy_image(
            self._get_param("SourceImageId"),
            self._get_param("SourceRegion"),
            self._get_param("Name"),
            self._get_param("Description"),
            key,
        )
        return ActionResult({"ImageId": image.id})

    def _key(self, wanted: str) -> str:
        """The ARN of a key of the account; of none, the account's own for EBS."""
        keys = kms_backends[self.current_account][self.region]
        if not wanted:
            return f"arn:aws:kms:{self.region}:{self.current_account}:alias/aws/ebs"
        try:
            name = wanted if wanted.startswith("arn:") and ":alias/" not in wanted else wanted.rpartition(":")[2]
            return str(keys.describe_key(name).arn)
        except (KmsNotFound, KeyError):
            what = f"Key '{wanted}' does not exist"
            raise AwsFault("InvalidParameterValue", f"Invalid value for KmsKeyId. {what}") from None

    def create_fleet(self) -> ActionResult:
        """CreateFleet: the lab has no spot capacity, and says so as EC2 does in a region that has none left."""
        if self._get_param("TargetCapacitySpecification.DefaultTargetCapacityType") != "spot":
            return super().create_fleet()
        lacking = {
            "ErrorCode": "UnfulfillableCapacity",
            "ErrorMessage": "There is no Spot capacity available that matches your request.",
            "Lifecycle": "spot",
        }
        return ActionResult({"FleetId": f"fleet-{uuid.uuid4()}", "Errors": [lacking], "Instances": []})

    def _parse_block_device_mapping(self) -> list[dict[str, Any]]:
        """The mappings as they were asked for: moto fills in what nobody said, and drops the throughput."""
        mappings: list[dict[str, Any]] = self._get_param("BlockDeviceMappings", [])
        return mappings

    def register_image(self) -> ActionResult:
        """RegisterImage from the snapshot of its root device."""
        root = self._get_param("RootDeviceName", "")
        mappings = self._get_param("BlockDeviceMappings", [])
        chosen = next((entry for entry in mappings if entry.get("DeviceName") == root), mappings[0] if mappings else {})
        image = self.ec2_backend.register_image(
            self._get_param("Name"),
            self._get_param("Description", ""),
            chosen.get("Ebs", {}).get("SnapshotId", ""),
            root,
            self._get_param("Architecture", ""),
        )
        return ActionResult({"ImageId": image.id})

    def describe_images(self) -> ActionResult:
        """DescribeImages: those that are disabled only with IncludeDisabled, also when asked for by their id."""
        answer = super().describe_images()
        if self._get_bool_param("IncludeDisabled", False):
            return answer
        images = cast("dict[str, Any]", answer.result)["Images"]
        return ActionResult({"Images": [image for image in images if image.state != "disabled"]})

    def modify_image_attribute(self) -> ActionResult:
        """ModifyImageAttribute, with Description (a value of its own, or as `Attribute` and `Value`).

        What is disabled is not shared (EC2 User Guide, "Disable an Amazon EC2 AMI").
        """
        image = self.ec2_backend.amis.get(self._get_param("ImageId"))
        shares = self._get_param("LaunchPermission") or self._get_param("Attribute") == "launchPermission"
        if image is not None and image.state == "disabled" and shares:
            raise AwsFault("InvalidAMIID.Unavailable", f"The image ID '{image.id}' is not available")
        answer = super().modify_image_attribute()
        given = self._get_param("Description", {}).get("Value")
        if self._get_param("Attribute") == "description":
            given = self._get_param("Value", given)
        if given is not None:
            self.ec2_backend.amis[self._get_param("ImageId")].description = given
        return answer

    def describe_snapshots(self) -> ActionResult:
        """DescribeSnapshots; moto ignores OwnerIds."""
        found = self.ec2_backend.describe_snapshots(
            snapshot_ids=self._get_param("SnapshotIds", []), filters=self._filters_from_querystring()
        )
        owners = {self.current_account if owner == "self" else owner for owner in self._get_param("OwnerIds", [])}
        return ActionResult({"Snapshots": [each for each in found if not owners or each.owner_id in owners]})

    def get_console_output(self) -> ActionResult:
        """GetConsoleOutput: the last 64 KB that the machine wrote."""
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        output = base64.b64encode(type(self).console(instance.id)[-65536:]).decode()
        return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})
