"""A volume as people write it, and what EBS takes: sizes, IOPS and throughput by type.

The limits are those of the Amazon EBS User Guide, "Amazon EBS volume types", as far as Packer's Amazon builder takes
them: it refuses more than 16,000 IOPS and 1,000 MiB/s of gp3, 64,000 IOPS of io1 and io2, and 500 IOPS of io2 for each
GiB, from Packer 1.6.6 to the plugin's 1.8.2 (its `builder/common/block_device.go`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StrictBool

from orchestrator.definition.reading.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

VolumeType = Literal["gp3", "gp2", "io2", "io1", "st1", "sc1", "standard"]
#: The type of a volume for which nobody names one: what EC2's console and today's AMIs of the systems' makers have.
USUAL_TYPE: VolumeType = "gp3"

Size = Annotated[
    int, Field(ge=1, le=65_536, strict=True, description="GiB. It may only grow along a lineage.", examples=[40])
]
WholeNumber = Annotated[int, Field(ge=1, strict=True)]

#: Where a second volume may be attached (EC2 User Guide, "Device names for volumes": f to p are recommended for EBS).
DeviceName = Annotated[
    str,
    Field(
        pattern=r"^/dev/(sd|xvd)[b-z]$",
        description="A device such as /dev/sdf. /dev/sdf to /dev/sdp suit any type.",
        examples=["/dev/sdf"],
    ),
]


@dataclass(frozen=True)
class VolumeLimits:
    """What a type of volume may have: GiB, IOPS and MiB/s. None: EBS does not take it for the type."""

    gib: tuple[int, int]
    iops: tuple[int, int] | None = None
    #: IOPS for each GiB, at most.
    iops_per_gib: int = 0
    throughput: tuple[int, int] | None = None
    #: Whether EBS has no IOPS of its own for the type.
    needs_iops: bool = False
    #: Whether a machine boots from it.
    boots: bool = True


LIMITS: dict[VolumeType, VolumeLimits] = {
    "gp3": VolumeLimits((1, 65_536), (3_000, 16_000), 500, (125, 1_000)),
    "gp2": VolumeLimits((1, 16_384)),
    "io2": VolumeLimits((4, 65_536), (100, 64_000), 500, needs_iops=True),
    "io1": VolumeLimits((4, 16_384), (100, 64_000), 50, needs_iops=True),
    "st1": VolumeLimits((125, 16_384), boots=False),
    "sc1": VolumeLimits((125, 16_384), boots=False),
    "standard": VolumeLimits((1, 1_024)),
}
#: What a gp3 volume has anyway: IOPS, up to which the ratio to its size does not count, and MiB/s.
GP3_IOPS, GP3_THROUGHPUT = 3_000, 125
#: IOPS that a gp3 volume needs for each MiB/s.
_GP3_IOPS_PER_MIB = 4


class RootVolume(Frozen):
    """The volume that the machine boots from. What is left out is as in the AMI that it starts from."""

    size: Annotated[Size | None, Field(description="GiB. It may only grow along a lineage.", examples=[40])] = None
    type: Annotated[VolumeType | None, Field(description="A type of EBS volume.", examples=["gp3"])] = None
    iops: Annotated[WholeNumber | None, Field(description="Of types gp3, io1 and io2.", examples=[4000])] = None
    throughput: Annotated[WholeNumber | None, Field(description="MiB/s, of type gp3.", examples=[250])] = None


class ExtraVolume(RootVolume):
    """A volume besides the root. Without `build_only` it is part of the AMI, with what was written to it."""

    device: DeviceName
    snapshot: Annotated[
        str | None,
        Field(
            pattern=r"^snap-([0-9a-f]{8}|[0-9a-f]{17})$",
            description="A snapshot that it is made of.",
            examples=["snap-0123456789abcdef0"],
        ),
    ] = None
    build_only: Annotated[
        StrictBool, Field(description="It is there while the image is built, and not in the AMI.", examples=[True])
    ] = False

    @property
    def letter(self) -> str:
        """The last letter of the device: /dev/sdf and /dev/xvdf are one place on a machine."""
        return self.device[-1]


def faults(volume: RootVolume, *, root: bool) -> Iterator[tuple[str, str]]:
    """(field, what is wrong with it) for all that EBS would refuse of a volume."""
    kind: VolumeType = volume.type or USUAL_TYPE
    limits = LIMITS[kind]
    if root and not limits.boots:
        yield "type", f"'type': no machine boots from a volume of type {kind}"
    if volume.size is not None and not limits.gib[0] <= volume.size <= limits.gib[1]:
        yield "size", f"'size' of a {kind} volume is {limits.gib[0]} to {limits.gib[1]:,} GiB, not {volume.size:,}"
    if limits.needs_iops and volume.iops is None:
        yield "type", f"a volume of type {kind} needs 'iops'"
    for name, unit, span in (("iops", "IOPS", limits.iops), ("throughput", "MiB/s", limits.throughput)):
        value = getattr(volume, name)
        if value is None:
            continue
        if span is None:
            takers = ", ".join(each for each, its in LIMITS.items() if getattr(its, name))
            yield name, f"'{name}' is not for volumes of type {kind}, only for {takers}"
        elif not span[0] <= value <= span[1]:
            yield name, f"'{name}' of a {kind} volume is {span[0]:,} to {span[1]:,} {unit}, not {value:,}"
    yield from _ratios(volume, kind, limits)


def _ratios(volume: RootVolume, kind: VolumeType, limits: VolumeLimits) -> Iterator[tuple[str, str]]:
    iops = volume.iops
    free = GP3_IOPS if kind == "gp3" else 0
    if iops and volume.size and limits.iops_per_gib and iops > max(free, limits.iops_per_gib * volume.size):
        most = max(free, limits.iops_per_gib * volume.size)
        yield "iops", f"'iops': a {kind} volume of {volume.size} GiB has {most:,} at most, not {iops:,}"
    if kind == "gp3" and volume.throughput and volume.throughput * _GP3_IOPS_PER_MIB > (iops or GP3_IOPS):
        needed = volume.throughput * _GP3_IOPS_PER_MIB
        yield "throughput", f"'throughput' of {volume.throughput} MiB/s needs 'iops: {needed}' or more"
