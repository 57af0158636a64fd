"""EC2's DescribeImageReferences: what uses AMIs (Amazon EC2 User Guide, "Identify your resources referencing AMIs")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ssm.models import ssm_backends

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.lab.asked import Asked

    #: The ids of AMIs and the ARNs of what refers to them, from the tables of a region and the options of the request.
    Finder = Callable[[Any, str, Mapping[str, list[str]]], Iterator[tuple[str, str]]]

#: How many versions of a launch template are looked at unless the request says otherwise.
_DEPTH = "10"
#: How many AMIs can be asked for at once (EC2 API Reference, "DescribeImageReferences").
_IMAGES = 10


def _instances(tables: Any, region: str, options: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    states = options.get("state-name")
    for instance in tables.all_instances():
        if not states or instance.state in states:
            yield instance.image_id, f"arn:aws:ec2:{region}:{tables.account_id}:instance/{instance.id}"


def _templates(tables: Any, region: str, options: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    depth = int(options.get("version-depth", [_DEPTH])[0])
    for template in tables.launch_templates.values():
        arn = f"arn:aws:ec2:{region}:{tables.account_id}:launch-template/{template.id}"
        named = dict.fromkeys(str(version.image_id) for version in template.versions[-depth:] if version.image_id)
        yield from ((image, arn) for image in named)


def _parameters(tables: Any, region: str, _options: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Parameters of the data type for AMIs."""
    stored = ssm_backends[tables.account_id][region]._parameters  # noqa: SLF001 - moto lists them in no other way
    for name in list(stored):
        newest = stored[name][-1]
        if newest.data_type == "aws:ec2:image":
            yield str(newest.value), f"arn:aws:ssm:{region}:{tables.account_id}:parameter/{name.lstrip('/')}"


def _none(_tables: Any, _region: str, _options: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    """The lab has no Image Builder, so that no recipe names an AMI."""
    yield from ()


_FINDERS: dict[str, Finder] = {
    "ec2:Instance": _instances,
    "ec2:LaunchTemplate": _templates,
    "imagebuilder:ContainerRecipe": _none,
    "imagebuilder:ImageRecipe": _none,
    "ssm:Parameter": _parameters,
}


def answer(asked: Asked) -> dict[str, Any]:
    """One entry for each pair of an AMI and what refers to it, all in one page.

    Raises AwsFault for an unknown type, when no type is asked for, and for more than 10 AMIs.
    """
    wanted = {
        each["ResourceType"]: {one["OptionName"]: one["OptionValues"] for one in each.get("ResourceTypeOptions", [])}
        for each in asked.parameters.get("ResourceTypes", [])
    }
    if asked.parameters.get("IncludeAllResourceTypes"):
        wanted = {kind: {} for kind in _FINDERS} | wanted
    if not wanted:
        raise AwsFault("MissingParameter", "Either IncludeAllResourceTypes or ResourceTypes must be specified.")
    unknown = sorted(wanted.keys() - _FINDERS.keys())
    if unknown:
        raise AwsFault("InvalidParameterValue", f"Invalid resource type: {', '.join(unknown)}")
    tables, images = asked.ec2(asked.region), set(asked.parameters["ImageIds"])
    if len(images) > _IMAGES:
        raise AwsFault("InvalidParameterValue", f"At most {_IMAGES} images can be given.")
    return {
        "ImageReferences": [
            {"ImageId": image, "ResourceType": kind, "Arn": arn}
            for kind, options in wanted.items()
            for image, arn in _FINDERS[kind](tables, asked.region, options)
            if image in images
        ]
    }
