"""Whether a launch may use the keys of its volumes (EBS User Guide, "Permissions for EBS encryption").

EC2 looks at the keys after it has answered RunInstances: the instance is pending, and ends with the reason here. So it
does for whoever launches, a person or an Auto Scaling group (EC2 Auto Scaling User Guide, "Required AWS KMS key policy
for use with encrypted volumes").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.lab.kms.keys import key_named
from orchestrator.lab.kms.policy import KeyUse, may

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The state reason of an instance whose key cannot be used.
REFUSED = "Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state"

#: What a principal must be allowed to do with the key of an encrypted AMI (EC2 User Guide, "Share an AMI").
NEEDED = ("kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo")


def copy_refused(principal: str, arn: str, region: str) -> bool:
    """Whether a principal's copy of what a key encrypts, or is to encrypt, cannot use the key."""
    return bool(launch_refusal(principal, [arn], arn.split(":")[3] if arn.startswith("arn:") else region))


def launch_refusal(principal: str, keys: Iterable[str], region: str) -> str:
    """Why a principal's launch in a region cannot use these keys (ids, aliases or ARNs); empty when it can."""
    account = principal.split(":")[4]
    for wanted in keys:
        key = key_named(wanted, account, region)
        if key is None or key.key_state != "Enabled":
            return REFUSED
        uses = (KeyUse(principal, action, f"ec2.{region}.amazonaws.com") for action in NEEDED)
        if not all(may(key, use) for use in uses):
            return REFUSED
    return ""
