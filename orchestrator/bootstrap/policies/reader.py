"""What whoever looks may do: list, show, plan and examine, and change nothing."""

from __future__ import annotations

from orchestrator.bootstrap.permission import Permission, PermissionSet

POLICY = PermissionSet(
    "reader",
    "list, show, plan and examine",
    (
        Permission(
            "Look",
            (
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypeOfferings",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeInstances",
                "ec2:DescribeKeyPairs",
                "ec2:DescribeLaunchTemplates",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSnapshots",
                "ec2:DescribeSubnets",
                "ec2:DescribeVolumes",
                "ec2:DescribeVpcs",
                "ssm:DescribeInstanceInformation",
            ),
        ),
        Permission("FindSources", ("ssm:GetParameter",), ("<sourceparameter>",)),
        Permission(
            "ReadRecords",
            ("s3:GetObject", "s3:ListBucket"),
            ("arn:<partition>:s3:::<bucket>", "arn:<partition>:s3:::<bucket>/*"),
        ),
        Permission(
            "ReadEncryptedRecords",
            ("kms:Decrypt",),
            ("<key>",),
            {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}},
        ),
        Permission(
            "ExamineProfile",
            ("iam:GetInstanceProfile", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
            (
                "arn:<partition>:iam::<account>:instance-profile/<profile>",
                "arn:<partition>:iam::<account>:role/<profile>",
            ),
        ),
        Permission("ExamineQuota", ("servicequotas:GetServiceQuota",)),
    ),
)
