"""What a call of Auto Scaling names: a group, its instances, its refresh, a page."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, cast

from moto.autoscaling.models import autoscaling_backends

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.lab.asked import Asked
    from orchestrator.lab.autoscaling.group import LabGroup, LabMember, Refresh

#: Items of a page at most.
_MOST = 100


def group_of(asked: Asked) -> LabGroup:
    """The group that a call names. Raises AwsFault when it is not there."""
    name = asked.parameters["AutoScalingGroupName"]
    group = autoscaling_backends[asked.account][asked.region].autoscaling_groups.get(name)
    if group is None:
        what = f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"
        raise AwsFault("ValidationError", what)
    return cast("LabGroup", group)


def members_of(asked: Asked) -> list[LabMember]:
    """The instances of a group that a call names. Raises AwsFault for one that the group does not have."""
    group = group_of(asked)
    there = {each.instance_id: each for each in group.members}
    for instance_id in asked.parameters.get("InstanceIds") or []:
        if instance_id not in there:
            what = f"The instance {instance_id} is not part of Auto Scaling group {group.name}."
            raise AwsFault("ValidationError", what)
    return [there[each] for each in asked.parameters.get("InstanceIds") or []]


def active_refresh(asked: Asked) -> Refresh:
    """The refresh of a group that is going on. Raises AwsFault when there is none."""
    refresh = group_of(asked).refresh
    if refresh is None:
        what = f"No in progress or pending Instance Refresh found for Auto Scaling group {group_of(asked).name}"
        raise AwsFault("ActiveInstanceRefreshNotFound", what)
    return refresh


def paged(items: Sequence[Any], parameters: Mapping[str, Any], usual: int) -> tuple[list[Any], str | None]:
    """The page that a call asks for with MaxRecords and NextToken, and the token of the next one."""
    size = int(parameters.get("MaxRecords") or usual)
    if not 1 <= size <= _MOST:
        raise AwsFault("ValidationError", f"MaxRecords must be between 1 and {_MOST}.")
    token = str(parameters.get("NextToken") or "")
    try:
        begin = int(base64.b64decode(token, validate=True)) if token else 0
    except (binascii.Error, ValueError):
        raise AwsFault("InvalidNextToken", "The NextToken value is not valid.") from None
    rest = begin + size
    return list(items[begin:rest]), base64.b64encode(str(rest).encode()).decode() if rest < len(items) else None
