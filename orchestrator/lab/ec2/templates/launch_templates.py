"""Launch templates of the lab: moto's, whose versions can be deleted, and what their actions share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from moto.ec2.exceptions import (
    InvalidLaunchTemplateIdNotFound,
    InvalidLaunchTemplateNameNotFoundWithNameError,
    InvalidLaunchTemplateVersionNotFound,
)
from moto.ec2.models import launch_templates
from moto.ec2.utils import parse_user_data

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.client_tokens import ClientTokens
from orchestrator.lab.ec2.templates import image_pointers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.asked import Asked

#: Those of all actions of launch templates.
TOKENS = ClientTokens()


class LabLaunchTemplate(launch_templates.LaunchTemplate):
    """A launch template whose versions keep their numbers when others are deleted."""

    _highest = 0

    def create_version(self, data: dict[str, Any], description: str) -> launch_templates.LaunchTemplateVersion:
        """Add a version; a number is never used twice (EC2 User Guide, "Delete a launch template version")."""
        self._highest += 1
        version = launch_templates.LaunchTemplateVersion(self, self._highest, data, description)
        self.versions.append(version)
        return version

    def get_version(self, num: Any) -> launch_templates.LaunchTemplateVersion:
        """A version by its number, `$Latest` or `$Default`."""
        match str(num):
            case "$Latest":
                return self.latest_version()
            case "$Default" | "":
                return self.default_version()
            case number:
                found = [each for each in self.versions if str(each.number) == number]
                if not found:
                    raise InvalidLaunchTemplateVersionNotFound(template_id=self.id, version=number)
                return found[0]

    def default_version(self) -> launch_templates.LaunchTemplateVersion:
        """The version that launches use which name none."""
        return next(each for each in self.versions if each.number == self.default_version_number)


def template_of(asked: Asked) -> LabLaunchTemplate:
    """The launch template that a call names by its id or its name. Raises AwsFault unless it names exactly one."""
    return named(asked.ec2(), asked.parameters)


def named(backend: Any, specification: Mapping[str, Any]) -> LabLaunchTemplate:
    """A launch template by its id or its name. Raises AwsFault unless exactly one is given."""
    template_id, name = specification.get("LaunchTemplateId"), specification.get("LaunchTemplateName")
    if template_id and name:
        what = "You can specify only one of the launch template ID and the launch template name."
        raise AwsFault("InvalidParameterCombination", what)
    if not (template_id or name):
        what = "The request must contain the parameter launch template ID or launch template name"
        raise AwsFault("MissingParameter", what)
    if template_id and not str(template_id).startswith("lt-"):
        what = f'Invalid id: "{template_id}" (expecting "lt-...")'
        raise AwsFault("InvalidLaunchTemplateId.Malformed", what)
    found = backend.launch_template_name_to_ids.get(name) if name else template_id
    if found not in backend.launch_templates:
        raise (
            InvalidLaunchTemplateIdNotFound(template_id)
            if template_id
            else (InvalidLaunchTemplateNameNotFoundWithNameError(str(name)))
        )
    return cast("LabLaunchTemplate", backend.launch_templates[found])


def data_of(asked: Asked) -> dict[str, Any]:
    """The launch template data of a call; an AMI that it names by a parameter must exist.

    Raises AwsFault as `image_pointers.image_of` does.
    """
    data = dict(asked.parameters.get("LaunchTemplateData") or {})
    if data.get("UserData") is not None:
        data["UserData"] = parse_user_data(data["UserData"])
    image_pointers.image_of(asked.account, asked.region, str(data.get("ImageId") or ""))
    return data


def inherited(source: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a version that is based on another one.

    What is given overwrites what is inherited; snapshots of inherited volumes are left out (Amazon EC2 API Reference,
    CreateLaunchTemplateVersion, SourceVersion).
    """
    kept = dict(source)
    if "BlockDeviceMappings" in kept:
        kept["BlockDeviceMappings"] = [_without_snapshot(each) for each in kept["BlockDeviceMappings"]]
    return kept | dict(data)


def _without_snapshot(mapping: Mapping[str, Any]) -> dict[str, Any]:
    ebs = {key: value for key, value in (mapping.get("Ebs") or {}).items() if key != "SnapshotId"}
    return {**mapping, **({"Ebs": ebs} if "Ebs" in mapping else {})}


def shown_template(asked: Asked, template: LabLaunchTemplate) -> dict[str, Any]:
    """A launch template as the API writes it."""
    return {
        "CreateTime": template.create_time,
        "CreatedBy": f"arn:aws:iam::{asked.account}:root",
        "DefaultVersionNumber": template.default_version_number,
        "LatestVersionNumber": template.latest_version_number,
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "Tags": template.get_tags(),
    }


def shown_version(asked: Asked, version: launch_templates.LaunchTemplateVersion) -> dict[str, Any]:
    """A version as the API writes it; with ResolveAlias, a parameter that names the AMI is shown as the AMI's id."""
    data = dict(version.data)
    if asked.parameters.get("ResolveAlias"):
        data["ImageId"] = image_pointers.image_of(asked.account, asked.region, str(data.get("ImageId") or ""))
    return {
        "CreateTime": version.create_time,
        "CreatedBy": f"arn:aws:iam::{asked.account}:root",
        "DefaultVersion": version.template.is_default(version),
        "LaunchTemplateData": {key: value for key, value in data.items() if value not in (None, "")},
        "LaunchTemplateId": version.template.id,
        "LaunchTemplateName": version.template.name,
        "VersionDescription": version.description,
        "VersionNumber": version.number,
    }
