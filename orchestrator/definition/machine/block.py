"""The machine block: what an image is built on, and what of it is in the AMI.

It stands in `ami.yml`, in a layer of it, and in an image. A layer is built on what the workspace says, what the image
below left in its AMI, the blocks of the image's layers up to it, and the image's own: each goes over those before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, field_validator

from orchestrator.definition.machine.ec2_names import InstanceType, KmsKey
from orchestrator.definition.machine.volume import ExtraVolume, RootVolume
from orchestrator.definition.reading.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Architecture = Literal["x86_64", "arm64"]

#: User data before it is encoded, bytes (EC2 User Guide, "Run commands at launch using instance user data").
MOST_USER_DATA = 16_384
#: Volumes that one machine can have (EC2 User Guide, "Amazon EBS volume limits": 28 attachments on most Nitro types,
#: of which the root and a network interface take one each).
MOST_VOLUMES = 26


class Encryption(Frozen):
    """The AMI's snapshots are encrypted."""

    kms_key: Annotated[
        KmsKey,
        Field(
            description="The id, the alias (alias/NAME) or the ARN of a key; empty: the account's own for EBS.",
            examples=["alias/images"],
        ),
    ] = ""


class Spot(Frozen):
    """Builds try spot capacity first, and on-demand capacity when there is none."""

    max_price: Annotated[
        str,
        Field(
            pattern=r"^[0-9]+(\.[0-9]+)?$",
            description="US dollars an hour, in quotes; without it, up to the on-demand price.",
            examples=["0.05"],
        ),
    ] = ""


class Imds(Frozen):
    """The metadata service of the build's machine. It answers IMDSv2 alone wherever Packer can ask for that."""

    hop_limit: Annotated[
        int | None, Field(ge=1, le=64, strict=True, description="Network hops of an answer.", examples=[2])
    ] = None
    instance_tags: Annotated[
        StrictBool | None, Field(description="Whether the build's machine can read its tags there.", examples=[True])
    ] = None


def _spot(written: Any) -> Any:
    return {} if written is True else None if written is False else written


class Machine(Frozen):
    """A machine block. What is left out is as the blocks below it say, then the environment, then AWS."""

    instance_types: Annotated[
        tuple[InstanceType, ...],
        Field(
            description="Tried in turn when EC2 has no capacity; they go over the environment's types.",
            examples=[["m7i.large", "m6i.large"]],
        ),
    ] = ()
    architecture: Annotated[
        Architecture | None,
        Field(description="That of the source; it is compared with the source and the types.", examples=["arm64"]),
    ] = None
    root_volume: Annotated[
        RootVolume, Field(description="The volume that the machine boots from.", examples=[{"size": 40, "type": "gp3"}])
    ] = RootVolume()
    volumes: Annotated[
        tuple[ExtraVolume, ...],
        Field(
            max_length=MOST_VOLUMES, description="Besides the root.", examples=[[{"device": "/dev/sdf", "size": 100}]]
        ),
    ] = ()
    encryption: Annotated[
        Encryption | None,
        Field(
            description="Encrypts the AMI; its key goes over the environment's kms_key_id.",
            examples=[{"kms_key": "alias/images"}],
        ),
    ] = None
    spot: Annotated[
        Spot | None,
        BeforeValidator(_spot, json_schema_input_type=StrictBool | Spot | None),
        Field(description="true, or a mapping with max_price.", examples=[True, {"max_price": "0.05"}]),
    ] = None
    user_data: Annotated[
        str | None,
        Field(
            min_length=1,
            description="A file of the workspace, of 16 KiB at most, that cloud-init gets.",
            examples=["packer/files/first-boot.sh"],
        ),
    ] = None
    imds: Annotated[
        Imds, Field(description="The metadata service of the build's machine.", examples=[{"hop_limit": 2}])
    ] = Imds()
    credits: Annotated[
        Literal["standard", "unlimited"] | None,
        Field(description="CPU credits of burstable types such as t3.small.", examples=["unlimited"]),
    ] = None
    ena: Annotated[
        StrictBool | None, Field(description="The AMI is marked for the Elastic Network Adapter.", examples=[True])
    ] = None
    sriov: Annotated[
        StrictBool | None, Field(description="The AMI is marked for the Intel 82599 interface.", examples=[True])
    ] = None
    fragment: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*\.pkr\.hcl\.j2$",
            description="A template below packer/, printed at the end of the source block: what no key here says.",
            examples=["source/optimized.pkr.hcl.j2"],
        ),
    ] = None
    tags: Annotated[
        dict[str, str],
        Field(
            description="Tags of the machine that builds, and of its volumes and snapshots.",
            examples=[{"cost-center": "42"}],
        ),
    ] = Field(default_factory=dict)

    @field_validator("volumes")
    @classmethod
    def _apart(cls, volumes: tuple[ExtraVolume, ...]) -> tuple[ExtraVolume, ...]:
        letters = [volume.letter for volume in volumes]
        if twice := [volume.device for volume in volumes if letters.count(volume.letter) > 1]:
            raise ValueError(f"name one place of the machine twice: {', '.join(twice)}")
        return volumes

    def over(self, below: Machine) -> Machine:
        """This block over another: what it names counts, the rest is as below. Volumes are told apart by device."""
        if not self.model_fields_set or not below.model_fields_set:  # most blocks say nothing, and plans have thousands
            return self if self.model_fields_set else below
        return Machine.model_construct(
            instance_types=self.instance_types or below.instance_types,
            architecture=self.architecture or below.architecture,
            root_volume=below.root_volume.model_copy(update=_named(self.root_volume)),
            volumes=_volumes(self.volumes, below.volumes),
            encryption=self.encryption or below.encryption,
            spot=self.spot if "spot" in self.model_fields_set else below.spot,
            user_data=self.user_data or below.user_data,
            imds=below.imds.model_copy(update=_named(self.imds)),
            fragment=self.fragment or below.fragment,
            credits=self.credits or below.credits,
            ena=below.ena if self.ena is None else self.ena,
            sriov=below.sriov if self.sriov is None else self.sriov,
            tags={**below.tags, **self.tags},
        )

    @property
    def kept_volumes(self) -> tuple[ExtraVolume, ...]:
        """Those that are in the AMI."""
        return tuple(volume for volume in self.volumes if not volume.build_only)

    def inherited(self, workspace: Machine) -> Machine:
        """What an image that stands on one with this machine starts with.

        What is in the AMI comes with it. User data, a fragment and volumes that were there for the build below are left
        out, but for those of the workspace, which each build has.
        """
        if not self.model_fields_set and not workspace.model_fields_set:
            return self  # as in `over`
        volumes = tuple(volume.model_copy(update={"snapshot": None}) for volume in self.kept_volumes)
        taken = {volume.letter for volume in volumes}
        scratch = tuple(each for each in workspace.volumes if each.build_only and each.letter not in taken)
        return self.model_copy(
            update={
                "volumes": (*volumes, *scratch),
                **{name: getattr(workspace, name) for name in ("user_data", "fragment")},
            }
        )

    def deciding(self) -> Mapping[str, Any]:
        """What of it decides the result of a build, by field; empty when it says nothing of the kind.

        The architecture is the source's, which counts already. Types, spot capacity, credits and tags change how a
        build runs, and not what comes out.
        """
        if not self.model_fields_set:
            return {}
        fields: dict[str, Any] = {
            "root_volume": _named(self.root_volume),
            "volumes": [_named(volume) for volume in self.volumes],
            "encryption": None if self.encryption is None else {"kms_key": self.encryption.kms_key},
            "user_data": self.user_data,
            "fragment": self.fragment,
            "imds": _named(self.imds),
            "ena": self.ena,
            "sriov": self.sriov,
        }
        return {name: value for name, value in fields.items() if value not in (None, {}, [])}


def _named(block: Frozen) -> dict[str, Any]:
    """The fields of a block that say something."""
    return {name: value for name, value in block if value is not None}


def _volumes(over: tuple[ExtraVolume, ...], below: tuple[ExtraVolume, ...]) -> tuple[ExtraVolume, ...]:
    merged = {volume.letter: volume for volume in below}
    for volume in over:
        known = merged.get(volume.letter)
        merged[volume.letter] = known.model_copy(update=_named(volume) | {"device": known.device}) if known else volume
    return tuple(merged.values())


def stacked(start: Machine, layers: Iterable[Machine], image: Machine) -> tuple[Machine, ...]:
    """The machine of each layer of an image, the lowest first. `start` is what is below all of them."""
    machines: list[Machine] = []
    for layer in layers:
        start = layer.over(start)
        machines.append(image.over(start))
    return tuple(machines)
