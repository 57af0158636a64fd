"""Launch templates. Packer makes one for each build on spot capacity, and removes it at the end of the build."""

from __future__ import annotations

from orchestrator.aws.resource_kind import Ec2Kind, Listing, Removal

KIND = Ec2Kind(
    name="launch template",
    order=45,
    cost="free; it counts towards a quota of the region",
    listing=Listing(operation="describe_launch_templates", key="LaunchTemplates", id_field="LaunchTemplateId"),
    removal=Removal(operation="delete_launch_template", parameter="LaunchTemplateId"),
)
