"""EC2's CreateLaunchTemplateVersion (Amazon EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.ec2.templates.launch_templates import TOKENS, data_of, inherited, shown_version, template_of

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Add a version, once for each client token; with SourceVersion it has what it does not change from there."""
    return TOKENS.once(asked, _create)


def _create(asked: Asked) -> dict[str, Any]:
    template = template_of(asked)
    data = data_of(asked)
    if asked.parameters.get("SourceVersion"):
        data = inherited(template.get_version(asked.parameters["SourceVersion"]).data, data)
    version = template.create_version(data, asked.parameters.get("VersionDescription", ""))
    return {"LaunchTemplateVersion": shown_version(asked, version)}
