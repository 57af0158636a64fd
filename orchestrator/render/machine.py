"""What templates know of a machine block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.definition.machine.volume import GP3_IOPS, GP3_THROUGHPUT, USUAL_TYPE
from orchestrator.render.levels import seen_from

if TYPE_CHECKING:
    from orchestrator.definition.machine.block import Machine
    from orchestrator.definition.machine.volume import RootVolume, VolumeType
    from orchestrator.definition.workspace import Workspace

#: Packer's word for a spot price that may be as high as the on-demand price (Amazon EBS builder, `spot_price`).
_ANY_PRICE = "auto"
#: Packer's words for whether a machine can read its tags.
_SWITCH = {None: None, True: "enabled", False: "disabled"}


def values_of(workspace: Workspace, machine: Machine) -> dict[str, Any]:
    """A machine block as templates print it: nothing is missing, and what is not said is None or empty."""
    root = _root(machine.root_volume)
    encryption, user_data = machine.encryption, machine.user_data
    return {
        "instance_type": machine.instance_types[0] if machine.instance_types else "",
        "root": root if any(root.values()) else None,
        "volumes": [
            {
                **_volume(volume, volume.type or USUAL_TYPE),
                "device": volume.device,
                "snapshot": volume.snapshot,
                "build_only": volume.build_only,
            }
            for volume in machine.volumes
        ],
        "encrypted": encryption is not None,
        "kms_key": encryption.kms_key if encryption else "",
        "spot_price": (machine.spot.max_price or _ANY_PRICE) if machine.spot else "",
        "user_data": seen_from(workspace, workspace.find(user_data)) if user_data else "",
        "hop_limit": machine.imds.hop_limit,
        "instance_tags": _SWITCH[machine.imds.instance_tags],
        "unlimited_credits": None if machine.credits is None else machine.credits == "unlimited",
        "ena": machine.ena,
        "sriov": machine.sriov,
        "fragment": machine.fragment,
        "tags": [{"key": key, "value": value} for key, value in machine.tags.items()],
    }


def wanted_keys(machine: Machine) -> dict[str, str]:
    """The keys of a source block that only newer Packers know, by the fields of the block that need them."""
    wanted = {
        "credits": "enable_unlimited_credits" if machine.credits else "",
        "imds.hop_limit": "metadata_options.http_put_response_hop_limit" if machine.imds.hop_limit else "",
        "imds.instance_tags": "metadata_options.instance_metadata_tags"
        if machine.imds.instance_tags is not None
        else "",
    }
    return {field: key for field, key in wanted.items() if key}


def _root(volume: RootVolume) -> dict[str, Any]:
    """With a type wherever IOPS or a throughput are asked for: they were checked against it."""
    performs = volume.iops or volume.throughput
    return _volume(volume, volume.type or (USUAL_TYPE if performs else None))


def _volume(volume: RootVolume, kind: VolumeType | None) -> dict[str, Any]:
    """Packer wants IOPS and throughput of each volume of type gp3."""
    iops, throughput = (GP3_IOPS, GP3_THROUGHPUT) if kind == "gp3" else (None, None)
    return {
        "size": volume.size,
        "type": kind,
        "iops": volume.iops or iops,
        "throughput": volume.throughput or throughput,
    }
