"""What a person defines: an image, its owner, where it starts from, and its layers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from orchestrator.definition.layer import LayerUse, WrittenLayerUse
from orchestrator.definition.machine.block import Machine
from orchestrator.definition.reading.frozen import Frozen
from orchestrator.definition.variants.variant import Variant, WrittenVariant
from orchestrator.definition.variants.variant_name import family_of, variant_of
from orchestrator.tags import Tag

#: An AMI's name has at most 128 characters (EC2 API Reference, CreateImage: `Name`). A version follows the image's name
#: in it, and then the number of the attempt, which has two digits at most (see `environment.MOST_PLACES`).
LONGEST_NAME = 128 - len("-20261123T235522Z-1a2b3c4d") - len("-99")

ImageName = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        max_length=LONGEST_NAME,
        description="Lower-case letters, digits and single hyphens; the file is called the same.",
        examples=["web"],
    ),
]


class Owner(Frozen):
    """Who answers for an image. Both go into one tag, and a tag's value has at most 256 characters."""

    team: Annotated[
        str,
        Field(
            pattern=r"^\w[\w .:/=+\-@]*$",
            max_length=100,
            description="Letters, digits, spaces and . : / = + - @.",
            examples=["portal"],
        ),
    ]
    email: Annotated[
        str,
        Field(
            pattern=r"^[^@\s<>]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
            max_length=150,
            description="An address such as portal@example.com.",
            examples=["portal@example.com"],
        ),
    ]


class Image(Frozen):
    """One image, in a file of its name: who owns it, what it starts from, and its layers.

    In a loaded workspace an image with variants stands there once for each, with the variant in its name and `from_`.
    """

    name: ImageName
    description: Annotated[
        str,
        Field(
            min_length=1,
            max_length=255,
            pattern=r"^[\x20-\x7e]*$",  # CreateImage takes no others, and says so when the whole build is done
            description="The AMI's description: one line of ASCII characters, as EC2 takes no others.",
            examples=["nginx for the customer portal"],
        ),
    ]
    owner: Annotated[
        Owner,
        Field(
            description=f"Who answers for the image: the tag {Tag.OWNER}.",
            examples=[{"team": "portal", "email": "portal@example.com"}],
        ),
    ]
    from_: Annotated[
        str,
        Field(
            alias="from",
            min_length=1,
            description="Another image of the workspace, or a source of ami.yml.",
            examples=["golden"],
        ),
    ] = ""
    variants: Annotated[
        tuple[WrittenVariant, ...],
        Field(
            description="In the place of `from`: sources of ami.yml. On an image: which of its variants, if not all.",
            examples=[["debian-12", "debian-13"]],
        ),
    ] = ()
    layers: Annotated[
        tuple[WrittenLayerUse, ...],
        Field(
            json_schema_extra={"minItems": 1},
            description="In the order of ami.yml; on top of `from`.",
            examples=[[{"workload": {"roles": ["nginx"]}}]],
        ),
    ]
    tags: Annotated[
        dict[str, str],
        Field(
            description="Tags of the AMI besides those that the factory sets itself.",
            examples=[{"cost-center": "42"}],
        ),
    ] = Field(default_factory=dict)
    machine: Annotated[
        Machine,
        Field(
            description="What it is built on; over what its layers and ami.yml say.",
            examples=[{"root_volume": {"size": 40}}],
        ),
    ] = Machine()

    @property
    def family(self) -> str:
        """The name in the image's file, without a variant."""
        return family_of(self.name)

    @property
    def variant(self) -> str:
        """The variant of a loaded image; empty when it has none."""
        return variant_of(self.name)

    @field_validator("variants")
    @classmethod
    def _once(cls, variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
        if not variants:
            raise ValueError("may not be empty")
        names = [variant.name for variant in variants]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"has '{twice}' twice")
        return variants

    @field_validator("layers")
    @classmethod
    def _some(cls, layers: tuple[LayerUse, ...]) -> tuple[LayerUse, ...]:
        """Counted after each is read: pydantic's own `min_length` counts those without mistakes only."""
        if not layers:
            raise ValueError("may not be empty")
        return layers
