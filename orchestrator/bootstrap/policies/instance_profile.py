"""What machines may do that are built on or tested: be reached by Systems Manager."""

from __future__ import annotations

from orchestrator.bootstrap.permission import Permission, PermissionSet

POLICY = PermissionSet(
    "instance-profile",
    "be reached by Systems Manager",
    (
        Permission(
            "Agent",
            (
                "ec2messages:AcknowledgeMessage",
                "ec2messages:DeleteMessage",
                "ec2messages:FailMessage",
                "ec2messages:GetEndpoint",
                "ec2messages:GetMessages",
                "ec2messages:SendReply",
                "ssm:UpdateInstanceInformation",
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ),
        ),
    ),
)
