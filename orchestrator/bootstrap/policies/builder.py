"""What whoever builds may do besides `reader` and `validator`: make AMIs, and remove what runs left."""

from __future__ import annotations

from orchestrator.bootstrap.permission import OWN, TAGGED, Permission, PermissionSet, PolicyUse

_EC2 = "arn:<partition>:ec2:<region>:<account>"
_IMAGES = ("arn:<partition>:ec2:<region>::image/*", "arn:<partition>:ec2:<region>::snapshot/*")

POLICY = PermissionSet(
    "builder",
    "build images, and remove what runs left",
    (
        Permission(
            "ImageOwnMachines",
            ("ec2:CreateImage", "ec2:ModifyInstanceAttribute", "ec2:StopInstances"),
            (f"{_EC2}:instance/*",),
            OWN,
        ),
        Permission("MakeImages", ("ec2:CreateImage",), _IMAGES),
        Permission("EncryptCopies", ("ec2:CopyImage",), _IMAGES, when=PolicyUse.ENCRYPTION),
        Permission("TagImages", ("ec2:CreateTags",), _IMAGES, TAGGED),
        Permission(
            "ChangeOwnImages",
            ("ec2:DeleteSnapshot", "ec2:DeleteVolume", "ec2:DeregisterImage", "ec2:ModifyImageAttribute"),
            conditions=OWN,
        ),
        Permission(
            "LookAsPackerDoes",
            (
                "ec2:DescribeImageAttribute",
                "ec2:DescribeInstanceStatus",
                "ec2:DescribeRegions",
                "ec2:DescribeTags",
            ),
        ),
        Permission(
            "SpotCapacity",
            (
                "ec2:CreateFleet",
                "ec2:CreateLaunchTemplate",
                "ec2:DeleteLaunchTemplate",
                "ec2:DescribeSpotPriceHistory",
            ),
            when=PolicyUse.SPOT,
        ),
        Permission(
            "TagSpotCapacity",
            ("ec2:CreateTags",),
            (f"{_EC2}:fleet/*", f"{_EC2}:launch-template/*"),
            {"StringEquals": {"ec2:CreateAction": ("CreateFleet", "CreateLaunchTemplate")}},
            when=PolicyUse.SPOT,
        ),
        Permission("LaunchFromTemplate", ("ec2:RunInstances",), (f"{_EC2}:launch-template/*",), when=PolicyUse.SPOT),
        Permission(
            "ForwardPort",
            ("ssm:StartSession",),
            ("arn:<partition>:ssm:<region>:*:document/AWS-StartPortForwardingSession",),
            when=PolicyUse.SESSIONS,
        ),
        Permission("SeeSessions", ("ssm:DescribeSessions",), when=PolicyUse.SESSIONS),
        Permission(
            "EndSessions",
            ("ssm:TerminateSession",),
            ("arn:<partition>:ssm:<region>:<account>:session/*",),
            {"StringLike": {"ssm:resourceTag/aws:ssmmessages:session-id": "${aws:userid}"}},
            when=PolicyUse.SESSIONS,
        ),
        Permission(
            "FingerprintSecrets",
            ("ssm:GetParameter", "ssm:PutParameter"),
            ("arn:<partition>:ssm:<region>:<account>:parameter/ami/fingerprint-key",),
            when=PolicyUse.SECRETS,
        ),
        Permission("ReadSecrets", ("secretsmanager:GetSecretValue",), ("<secret>",)),
        Permission("ReadSecretParameters", ("ssm:GetParameter",), ("<secretparameter>",)),
        Permission("SeeKey", ("kms:DescribeKey",), ("<imagekey>",)),
        Permission(
            "EncryptImages",
            ("kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
            ("<imagekey>",),
            {"StringLike": {"kms:ViaService": "ec2.*.amazonaws.com"}},
        ),
        Permission(
            "LendKeyToEbs",
            ("kms:CreateGrant",),
            ("<imagekey>",),
            {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ),
)
