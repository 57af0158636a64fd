"""EC2's ModifyLaunchTemplate: which version is the default (Amazon EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import InvalidLaunchTemplateVersionNotFound

from orchestrator.lab.ec2.templates.launch_templates import TOKENS, shown_template, template_of

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Make a version the default, by its number."""
    return TOKENS.once(asked, _modify)


def _modify(asked: Asked) -> dict[str, Any]:
    template = template_of(asked)
    wanted = str(asked.parameters.get("DefaultVersion") or "")
    if wanted:
        if wanted not in {str(version.number) for version in template.versions}:
            raise InvalidLaunchTemplateVersionNotFound(template_id=template.id, version=wanted)
        template.default_version_number = int(wanted)
    return {"LaunchTemplate": shown_template(asked, template)}
