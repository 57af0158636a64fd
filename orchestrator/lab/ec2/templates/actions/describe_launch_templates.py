"""EC2's DescribeLaunchTemplates (Amazon EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.ec2.listing import matching, page
from orchestrator.lab.ec2.templates.launch_templates import named, shown_template

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked
    from orchestrator.lab.ec2.listing import Reader

#: Items of a page.
_MOST = 200


def answer(asked: Asked) -> dict[str, Any]:
    """The launch templates that are named, else all; of these those that match the filters."""
    backend, parameters = asked.ec2(), asked.parameters
    wanted = [{"LaunchTemplateId": each} for each in parameters.get("LaunchTemplateIds", [])]
    wanted += [{"LaunchTemplateName": each} for each in parameters.get("LaunchTemplateNames", [])]
    found = [named(backend, each) for each in wanted] if wanted else list(backend.launch_templates.values())
    filters = parameters.get("Filters", [])
    found = matching(found, filters, _READERS | _of_tags(filters))
    shown, token = page(found, parameters, _MOST)
    return {"LaunchTemplates": [shown_template(asked, each) for each in shown], "NextToken": token}


_READERS: dict[str, Reader] = {
    "create-time": lambda template: template.create_time.isoformat(),
    "launch-template-name": lambda template: template.name,
    "tag-key": lambda template: [tag["key"] for tag in template.get_tags()],
}


def _of_tags(filters: list[dict[str, Any]]) -> dict[str, Reader]:
    return {each["Name"]: _tag(each["Name"].removeprefix("tag:")) for each in filters if each["Name"][:4] == "tag:"}


def _tag(key: str) -> Reader:
    return lambda template: [tag["value"] for tag in template.get_tags() if tag["key"] == key]
