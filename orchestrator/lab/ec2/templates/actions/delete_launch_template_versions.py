"""EC2's DeleteLaunchTemplateVersions (Amazon EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.templates.launch_templates import template_of

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked

#: How many can be named in one call.
_MOST = 200


def answer(asked: Asked) -> dict[str, Any]:
    """Delete versions by their numbers. The default version stays; what cannot be deleted is told one by one.

    EC2's words about the default version are not known here. Raises AwsFault for more than 200 versions.
    """
    template = template_of(asked)
    numbers = [str(each) for each in asked.parameters["Versions"]]
    if len(numbers) > _MOST:
        raise AwsFault("InvalidParameterValue", f"At most {_MOST} versions can be given.")
    deleted, kept = [], []
    for number in numbers:
        item = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "VersionNumber": _number(number)}
        found = [each for each in template.versions if str(each.number) == number]
        if not found:
            what = f"Version {number} of the launch template does not exist."
            kept.append({**item, "ResponseError": {"Code": "launchTemplateVersionDoesNotExist", "Message": what}})
        elif template.is_default(found[0]):
            what = f"Version {number} is the default version of the launch template and cannot be deleted."
            kept.append({**item, "ResponseError": {"Code": "unexpectedError", "Message": what}})
        else:
            template.versions.remove(found[0])
            deleted.append(item)
    return {
        "SuccessfullyDeletedLaunchTemplateVersions": deleted,
        "UnsuccessfullyDeletedLaunchTemplateVersions": kept,
    }


def _number(text: str) -> int:
    if not text.isdigit():
        raise AwsFault("InvalidParameterValue", f"Value ({text}) for parameter LaunchTemplateVersion is invalid.")
    return int(text)
