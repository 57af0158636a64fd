"""EC2's CreateLaunchTemplate (Amazon EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from moto.ec2.utils import convert_tag_spec

from orchestrator.lab.ec2.templates.launch_templates import TOKENS, data_of, shown_template

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked
    from orchestrator.lab.ec2.templates.launch_templates import LabLaunchTemplate


def answer(asked: Asked) -> dict[str, Any]:
    """Make a launch template with its first version, once for each client token."""
    return TOKENS.once(asked, _create)


def _create(asked: Asked) -> dict[str, Any]:
    parameters = asked.parameters
    template = asked.ec2().create_launch_template(
        parameters["LaunchTemplateName"],
        parameters.get("VersionDescription", ""),
        data_of(asked),
        convert_tag_spec(parameters.get("TagSpecifications", [])),
    )
    return {"LaunchTemplate": shown_template(asked, cast("LabLaunchTemplate", template))}
