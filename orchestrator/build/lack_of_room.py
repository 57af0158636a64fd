"""Whether EC2 has room for a machine, asked beside a Packer that has been silent about it.

EC2 says that it is full with a server error (HTTP 500), which AWS's SDKs repeat. From 1.8 on Packer's Amazon plugin
needs 80 s to report it. So EC2 is asked directly: by a launch of the same kind, which is terminated at once when it
succeeds. EC2 offers no other way to ask: a dry run checks permissions alone.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from orchestrator.aws.account import AwsError, error_code
from orchestrator.aws.capacity import FULL
from orchestrator.build.access import build_tags, specification

if TYPE_CHECKING:
    from orchestrator.aws.capacity import Place
    from orchestrator.build.request import BuildRequest

#: Seconds that a launch may take before EC2 is asked. AWS needs one to three.
PATIENCE = 8.0


class LackOfRoom:
    """Asks once whether there is room in a place. `said` is what EC2 answered when there is none, else empty."""

    def __init__(self, request: BuildRequest, place: Place) -> None:
        self.said = ""
        self._request = request
        self._place = place
        self._ec2 = request.account.client("ec2", repeats=False)
        self._base = request.source_filters.get("image-id", "")
        self._asks = bool(self._base and place[0] and _is_slow_to_tell(request))

    def look(self, launching: float) -> bool:
        """Ask when Packer has been launching for too long (seconds). True when EC2 has no room."""
        if not self._asks or launching < PATIENCE:
            return bool(self.said)
        try:
            answer = self._ec2.run_instances(**self._wanted())
        except AwsError as error:
            if error_code(error) in FULL:
                said = getattr(error, "response", {}).get("Error", {}).get("Message", "")
                self.said = f"Error launching source instance: {error_code(error)}: {said}"
            self._asks = False
            return bool(self.said)
        self._asks = False
        for machine in answer["Instances"]:  # there is room: Packer gets its own
            self._request.account.client("ec2").terminate_instances(InstanceIds=[machine["InstanceId"]])
        return False

    def _wanted(self) -> dict[str, Any]:
        instance_type, subnet = self._place
        tags = build_tags(self._request, f"{self._request.image} room")
        return {
            "ImageId": self._base,
            "InstanceType": instance_type,
            "MinCount": 1,
            "MaxCount": 1,
            "ClientToken": uuid.uuid4().hex,
            "InstanceInitiatedShutdownBehavior": "terminate",
            "TagSpecifications": [specification(kind, tags) for kind in ("instance", "volume")],
            **({"SubnetId": subnet} if subnet else {}),
        }


def _is_slow_to_tell(request: BuildRequest) -> bool:
    """Whether the Amazon plugin is one that repeats a launch for minutes: it has AWS's SDK for Go v2."""
    plugins = request.ready.plugins if request.ready else ()
    return any(plugin.name == "amazon" and plugin.at_least(1, 8) for plugin in plugins)
