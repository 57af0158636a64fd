"""What a workspace says to those who extend it: what they may use, and what every image must have.

    allow:
      sources: ["debian-*"]
      instance_types: ["t3.*", m7i.large]
    require:
      tags: {cost-center: "[0-9][0-9][0-9][0-9]"}
      source_age: 90d

Names and values are compared with patterns as a shell has them for files (Python's `fnmatch`), case by case.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

from orchestrator.definition.reading.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Characters with which a text is a pattern, and no plain name.
_SIGNS = frozenset("*?[")

Pattern = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,
        description="A name, in which * stands for any characters, ? for one, and [abc] for one of some.",
    ),
]


Age = Annotated[
    str,
    Field(pattern=r"^[1-9][0-9]{0,3}[hdw]$", description="A number of hours, days or weeks, as 12h, 7d or 4w."),
]


def _listed(written: Any) -> Any:
    return [written] if isinstance(written, str) else written


#: Written as one pattern, or as several of which one must fit.
WrittenPatterns = Annotated[
    tuple[Pattern, ...], BeforeValidator(_listed, json_schema_input_type=Pattern | tuple[Pattern, ...])
]


class Allow(Frozen):
    """What those who extend this workspace may use. What is left out is not restricted; an empty list allows none."""

    sources: Annotated[
        WrittenPatterns | None,
        Field(description="Sources of this workspace from which their images may start.", examples=[["debian-*"], []]),
    ] = None
    layers: Annotated[
        WrittenPatterns | None,
        Field(description="Layers that their images may have.", examples=[["workload", "team-*"]]),
    ] = None
    regions: Annotated[
        WrittenPatterns | None,
        Field(description="Regions that their environments may name.", examples=[["eu-*"]]),
    ] = None
    instance_types: Annotated[
        WrittenPatterns | None,
        Field(
            description="Types that their environments and machine blocks may name.",
            examples=[["t3.*", "m7i.large"]],
        ),
    ] = None


class RequiredOwner(Frozen):
    """What must be true of an image's `owner`."""

    team: Annotated[
        WrittenPatterns | None,
        Field(description="Teams, of which each image has one.", examples=[["portal", "data-*"]]),
    ] = None
    email: Annotated[
        WrittenPatterns | None, Field(description="Addresses, of which each image has one.", examples=["*@example.com"])
    ] = None


class Require(Frozen):
    """What every image must have, in this workspace and in those that extend it."""

    owner: Annotated[
        RequiredOwner,
        Field(description="What must be true of the owner of an image.", examples=[{"email": "*@example.com"}]),
    ] = RequiredOwner()
    tags: Annotated[
        dict[str, WrittenPatterns],
        Field(
            description="Tags that each image sets itself, each with what its value must be.",
            examples=[{"cost-center": "[0-9][0-9][0-9][0-9]", "data-class": ["public", "internal"]}],
        ),
    ] = Field(default_factory=dict)
    source_age: Annotated[
        Age | None,
        Field(
            description="How old the AMI of a source may be when an image is built, in hours, days or weeks.",
            examples=["90d"],
        ),
    ] = None
    version_age: Annotated[
        Age | None,
        Field(description="How old a version of an image may be when another image is built on it.", examples=["4w"]),
    ] = None


def fits(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns fits a name.

    >>> fits("eu-west-1", ["us-east-1", "eu-*"])
    True
    """
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def is_plain(pattern: str) -> bool:
    """Whether a pattern fits one name only, itself."""
    return not _SIGNS & set(pattern)
