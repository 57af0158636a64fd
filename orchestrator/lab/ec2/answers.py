"""Answers of EC2 that moto gives from a sample, or without looking at what was asked."""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores, utcnow
from moto.ec2.responses import EC2Response

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
        if self._get_param("VirtualizationType", "hvm") != "hvm":
            raise AwsFault("UnsupportedOperation", "The lab has no paravirtual machines.")
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

    def get_console_output(self) -> ActionResult:
        """GetConsoleOutput: the last 64 KB that the machine wrote."""
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        output = base64.b64encode(type(self).console(instance.id)[-65536:]).decode()
        return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})
