"""Where a stack starts: an AMI that somebody else made."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, model_validator

from orchestrator.definition.reading.frozen import Frozen


class SourceFilter(Frozen):
    """Which AMIs fit; the newest of them is taken (EC2 API Reference, DescribeImages: `Filter`, `Owner`)."""

    name: Annotated[
        str,
        Field(
            min_length=3,
            max_length=128,
            description="AMI name; * and ? stand for any characters.",
            examples=["debian-12-amd64-*"],
        ),
    ]
    owner: Annotated[
        str,
        Field(
            pattern=r"^([0-9]{12}|self|amazon|aws-marketplace)$",
            description="Account id of 12 digits (in quotes), or one of: self, amazon, aws-marketplace.",
            examples=["136693071363"],
        ),
    ]
    architecture: Annotated[
        Literal["x86_64", "arm64"], Field(description="That of the AMI, in EC2's words.", examples=["arm64"])
    ] = "x86_64"
    product_code: Annotated[
        str | None,
        Field(
            pattern=r"^[a-z0-9]{1,64}$",
            description="Product code of a Marketplace product: lower-case letters and digits.",
            examples=["a1b2c3d4e5f6g7h8i9j0k1l2m"],
        ),
    ] = None


class Source(Frozen):
    """An AMI by filter, by id, or by a public SSM parameter: exactly one of the three."""

    name: Annotated[
        str,
        Field(
            pattern=r"^[a-z0-9][a-z0-9._-]*$",
            max_length=100,
            description="Lower-case letters, digits, . _ and -.",
            examples=["debian-12"],
        ),
    ]
    filter: Annotated[
        SourceFilter | None,
        Field(
            description="The newest AMI that fits.", examples=[{"name": "debian-12-amd64-*", "owner": "136693071363"}]
        ),
    ] = None
    ami_id: Annotated[
        str | None,
        Field(
            pattern=r"^ami-([0-9a-f]{8}|[0-9a-f]{17})$",
            description="An id such as ami-0123456789abcdef0; it is known in one region only.",
            examples=["ami-0123456789abcdef0"],
        ),
    ] = None
    ssm_parameter: Annotated[
        str | None,
        Field(
            pattern=r"^/[A-Za-z0-9_./-]+$",
            description="The path of a public SSM parameter that holds an AMI id.",
            examples=["/aws/service/debian/release/12/latest/amd64"],
        ),
    ] = None
    ssh_username: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$",
            max_length=32,
            description="The user that the AMI lets in by key.",
            examples=["admin"],
        ),
    ]

    bootstrap_agent: Annotated[
        StrictBool,
        Field(
            description="true: the AMI has no SSM agent. Machines that are built on it over session_manager install it "
            "at their first boot.",
            examples=[True],
        ),
    ] = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [way for way in ("filter", "ami_id", "ssm_parameter") if getattr(self, way) is not None]
        if len(ways) != 1:
            raise ValueError(
                "needs exactly one of filter, ami_id and ssm_parameter"
                + (f", and has {' and '.join(ways)}" if ways else ", and has none")
            )
        return self
