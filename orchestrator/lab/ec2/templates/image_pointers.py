"""Parameters that stand for AMIs: `resolve:ssm:NAME`, with a version or a label.

Amazon EC2 User Guide, "Use a Systems Manager parameter instead of an AMI ID". EC2 takes only parameters of the data
type `aws:ec2:image`: its words about others were reported in public, those about a parameter that is missing were not.
"""

from __future__ import annotations

from typing import Any

from moto.ssm.exceptions import ParameterVersionNotFound
from moto.ssm.models import ssm_backends

from orchestrator.lab.api.aws_fault import AwsFault

PREFIX = "resolve:ssm:"
DATA_TYPE = "aws:ec2:image"


def points(image_id: str) -> bool:
    """Whether this is a parameter rather than an AMI."""
    return image_id.startswith(PREFIX)


def image_of(account: str, region: str, image_id: str) -> str:
    """The AMI that is meant: the value of a parameter, or the id itself.

    Raises AwsFault when the parameter is not there, or not one for AMIs.
    """
    if not points(image_id):
        return image_id
    name = image_id.removeprefix(PREFIX)
    parameter = _parameter(account, region, name)
    if parameter is None:
        what = f"The Systems Manager parameter '{name}' does not exist, or has no such version or label."
        raise AwsFault("SsmInvalidParameter", what)
    if parameter.data_type != DATA_TYPE:
        what = f"Unsupported data type. The following parameter data types are supported: {DATA_TYPE}"
        raise AwsFault("SsmInvalidParameter", what)
    return str(parameter.value)


def _parameter(account: str, region: str, name: str) -> Any:
    if name.startswith("arn:"):
        parts = name.split(":")
        if parts[4] != account:
            return None  # no parameter is shared between accounts here
    try:
        return ssm_backends[account][region].get_parameter(name)
    except ParameterVersionNotFound:
        return None
