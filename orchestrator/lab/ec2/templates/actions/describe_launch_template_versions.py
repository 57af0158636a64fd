"""EC2's DescribeLaunchTemplateVersions (Amazon EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.listing import matching, page
from orchestrator.lab.ec2.templates.launch_templates import shown_version, template_of

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked
    from orchestrator.lab.ec2.listing import Reader

#: Items of a page.
_MOST = 200
_OF_ALL = ("$Latest", "$Default")


def answer(asked: Asked) -> dict[str, Any]:
    """Versions of one launch template, or the newest or default ones of all; the newest first."""
    shown = [shown_version(asked, version) for version in _versions(asked)]
    # An alias that is resolved is what the filter `image-id` sees.
    found = matching(shown, asked.parameters.get("Filters", []), _READERS)
    listed, token = page(found, asked.parameters, _MOST)
    return {"LaunchTemplateVersions": listed, "NextToken": token}


def _versions(asked: Asked) -> list[Any]:
    parameters = asked.parameters
    wanted = parameters.get("Versions", [])
    if not (parameters.get("LaunchTemplateId") or parameters.get("LaunchTemplateName")):
        if not wanted or any(each not in _OF_ALL for each in wanted):
            what = "Without a launch template, versions must be $Latest, $Default or both."
            raise AwsFault("InvalidParameterValue" if wanted else "MissingParameter", what)
        templates = asked.ec2().launch_templates.values()
        return [found for template in templates for found in _distinct(template, wanted)]
    template = template_of(asked)
    if wanted:
        return _distinct(template, wanted)
    least, most = (
        int(parameters.get("MinVersion") or 1),
        int(parameters.get("MaxVersion") or template.versions[-1].number),
    )
    return [each for each in reversed(template.versions) if least <= each.number <= most]


def _distinct(template: Any, wanted: list[str]) -> list[Any]:
    found = {version.number: version for version in map(template.get_version, wanted)}
    return [found[number] for number in sorted(found, reverse=True)]


def _of(*path: str) -> Reader:
    def read(shown: dict[str, Any]) -> object:
        value: Any = shown["LaunchTemplateData"]
        for key in path:
            value = (value or {}).get(key)
        return value

    return read


_READERS: dict[str, Reader] = {
    "create-time": lambda shown: shown["CreateTime"].isoformat(),
    "ebs-optimized": _of("EbsOptimized"),
    "http-endpoint": _of("MetadataOptions", "HttpEndpoint"),
    "http-protocol-ipv4": _of("MetadataOptions", "HttpProtocolIpv4"),
    "http-tokens": _of("MetadataOptions", "HttpTokens"),
    "host-resource-group-arn": _of("Placement", "HostResourceGroupArn"),
    "iam-instance-profile": _of("IamInstanceProfile", "Arn"),
    "image-id": _of("ImageId"),
    "instance-type": _of("InstanceType"),
    "is-default-version": lambda shown: shown["DefaultVersion"],
    "kernel-id": _of("KernelId"),
    "ram-disk-id": _of("RamDiskId"),
}
