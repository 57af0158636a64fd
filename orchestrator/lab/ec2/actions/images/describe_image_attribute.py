"""EC2's DescribeImageAttribute: one attribute of an AMI (EC2 API Reference, "DescribeImageAttribute")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import InvalidAMIIdError

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.owned_image import owned
from orchestrator.lab.ec2.images.view import last_launched

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked

#: Only the owner is told these.
_OWNERS = ("launchPermission", "deregistrationProtection", "lastLaunchedTime")


def answer(asked: Asked) -> dict[str, Any]:
    """The attribute, empty when the AMI has none. Raises AwsFault."""
    attribute, image_id = str(asked.parameters["Attribute"]), str(asked.parameters["ImageId"])
    image = asked.ec2().amis.get(image_id) or asked.ec2().image(image_id)
    if image is None:
        raise InvalidAMIIdError(image_id)
    if attribute in _OWNERS:
        owned(asked, states=())
    answer: dict[str, Any] = {"ImageId": image_id}
    match attribute:
        case "launchPermission":
            return answer | {"LaunchPermissions": list(image.launch_permissions)}
        case "productCodes":
            return answer | {"ProductCodes": []}
        case "blockDeviceMapping":
            what = "Unauthorized attempt to access restricted resource"
            raise AwsFault("AuthFailure", what, 403)
    values = {
        "bootMode": ("BootMode", image.boot_mode),
        "deregistrationProtection": ("DeregistrationProtection", image.protection.value),
        "description": ("Description", image.description),
        "imdsSupport": ("ImdsSupport", image.imds),
        "kernel": ("KernelId", image.kernel_id),
        "lastLaunchedTime": ("LastLaunchedTime", last_launched(image, asked.tables.times.last_launched)),
        "ramdisk": ("RamdiskId", None),
        "sriovNetSupport": ("SriovNetSupport", image.sriov),
        "tpmSupport": ("TpmSupport", None),
        "uefiData": ("UefiData", None),
    }
    if attribute not in values:
        raise AwsFault("InvalidParameterValue", f"Value ({attribute}) for parameter attribute is invalid.")
    name, value = values[attribute]
    return answer | {name: {"Value": value} if value is not None else {}}
