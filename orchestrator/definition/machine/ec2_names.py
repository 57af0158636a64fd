"""Names that EC2 and KMS take: instance types and keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

InstanceType = Annotated[
    str, Field(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$", description="A type such as t3.small.", examples=["t3.small"])
]

#: The ways to name a key (EC2 API Reference, CopyImage: `KmsKeyId`). EC2 looks it up when the AMI is copied, and says
#: that it does not exist when the whole build is done.
_KEY_ID = r"(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_KEY_ALIAS = r"alias/[A-Za-z0-9/_-]+"
KmsKey = Annotated[
    str,
    Field(
        pattern=rf"^({_KEY_ID}|{_KEY_ALIAS}|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{{12}}:(key/{_KEY_ID}|{_KEY_ALIAS}))?$",
        description="The id, the alias (alias/NAME) or the ARN of a key.",
        examples=["alias/images"],
    ),
]
