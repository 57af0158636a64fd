"""What whoever tests AMIs may do besides `reader`: boot machines of a run, run commands there, tag verdicts."""

from __future__ import annotations

from orchestrator.bootstrap.permission import OWN, TAGGED, Permission, PermissionSet

_EC2 = "arn:<partition>:ec2:<region>:<account>"
#: Images and snapshots have no account in their ARNs. Subnets and VPCs may be another account's, which shares them.
_OF_NOBODY = "arn:<partition>:ec2:<region>:"
_OF_ANYBODY = "arn:<partition>:ec2:<region>:*"
_DOCUMENT = "arn:<partition>:ssm:<region>:*:document"

POLICY = PermissionSet(
    "validator",
    "boot and test AMIs",
    (
        Permission("LaunchTagged", ("ec2:RunInstances",), (f"{_EC2}:instance/*", f"{_EC2}:volume/*"), TAGGED),
        Permission(
            "LaunchWith",
            ("ec2:RunInstances",),
            (
                f"{_OF_NOBODY}:image/*",
                f"{_OF_NOBODY}:snapshot/*",
                f"{_EC2}:key-pair/*",
                f"{_EC2}:network-interface/*",
                f"{_EC2}:security-group/*",
                f"{_OF_ANYBODY}:subnet/*",
            ),
        ),
        Permission(
            "MakeTagged",
            ("ec2:CreateKeyPair", "ec2:CreateSecurityGroup"),
            (f"{_EC2}:key-pair/*", f"{_EC2}:security-group/*"),
            TAGGED,
        ),
        Permission("MakeInVpc", ("ec2:CreateSecurityGroup",), (f"{_OF_ANYBODY}:vpc/*",)),
        Permission(
            "TagWhatIsMade",
            ("ec2:CreateTags",),
            (f"{_EC2}:instance/*", f"{_EC2}:key-pair/*", f"{_EC2}:security-group/*", f"{_EC2}:volume/*"),
            {"StringEquals": {"ec2:CreateAction": ("RunInstances", "CreateKeyPair", "CreateSecurityGroup")}},
        ),
        Permission(
            "ChangeOwn",
            (
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:CreateTags",
                "ec2:DeleteKeyPair",
                "ec2:DeleteSecurityGroup",
                "ec2:DeleteTags",
                "ec2:GetConsoleOutput",
                "ec2:TerminateInstances",
            ),
            conditions=OWN,
        ),
        Permission(
            "PassProfile",
            ("iam:PassRole",),
            ("arn:<partition>:iam::<account>:role/<profile>",),
            {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
        Permission("RunTests", ("ssm:SendCommand",), (f"{_DOCUMENT}/AWS-RunShellScript",)),
        Permission("RunTestsOnOwn", ("ssm:SendCommand",), (f"{_EC2}:instance/*",), OWN),
        Permission("ReadAnswers", ("ssm:CancelCommand", "ssm:GetCommandInvocation")),
        Permission("ReachOwn", ("ssm:StartSession",), (f"{_EC2}:instance/*",), OWN),
        Permission("OpenShell", ("ssm:StartSession",), (f"{_DOCUMENT}/SSM-SessionManagerRunShell",)),
        Permission(
            "KeepRecords",
            ("s3:DeleteObject", "s3:PutObject"),
            ("arn:<partition>:s3:::<bucket>/*",),
        ),
        Permission(
            "KeepEncryptedRecords",
            ("kms:GenerateDataKey",),
            ("<key>",),
            {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}},
        ),
    ),
)
