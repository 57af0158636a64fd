"""Which instance types can run which AMIs.

Source: EC2 API Reference, ProcessorInfo: `SupportedArchitectures`. The refusal is RunInstances' own.
"""

from __future__ import annotations

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instance_types import INSTANCE_TYPES


def check_architecture(instance_type: str, architecture: str) -> None:
    """Refuse a launch of an AMI on an instance type of another architecture, as EC2 does.

    A type that nobody knows is left to moto, which refuses it in its own words.
    """
    supported = INSTANCE_TYPES.get(instance_type, {}).get("ProcessorInfo", {}).get("SupportedArchitectures")
    if not supported or architecture in supported:
        return
    what = (
        f"The architecture '{','.join(supported)}' of the specified instance type does not match the architecture "
        f"'{architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, "
        "and try again. You can use 'describe-instance-types' or 'describe-images' to discover the architecture of the "
        "instance type or AMI."
    )
    raise EC2ClientError("InvalidParameterValue", what)
