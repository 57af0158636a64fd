"""By which key the copy of an AMI or a snapshot is encrypted, and why EC2 would not use it.

EC2 looks at the key after it has answered: a copy with a key that cannot be used appears to begin, and fails (EC2 API
Reference, "CopyImage", KmsKeyId; "CopySnapshot", KmsKeyId).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.ami import StateReason
from orchestrator.lab.kms.acting import acting
from orchestrator.lab.kms.keys import ebs_key, key_named
from orchestrator.lab.kms.launching import copy_refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.lab.ec2.ami import LabSnapshot

#: EC2's words for a copy whose key it cannot use. The code is not documented.
INACCESSIBLE = StateReason("Client.InvalidKmsKey", "Given key ID is not accessible")


@dataclass(frozen=True)
class CopyEncryption:
    """What a copy asks for."""

    encrypted: bool | None = None
    key: str = ""
    """An id, an alias or an ARN; empty: the account's default."""


@dataclass(frozen=True)
class Outcome:
    """What comes of it: the ARN of the key, empty for a copy that is not encrypted, and why the copy will fail."""

    key: str = ""
    failure: StateReason | None = None


def outcome(
    asked: CopyEncryption,
    sources: Iterable[LabSnapshot],
    account: str,
    region: str,
    default: tuple[bool, str] = (False, ""),
) -> Outcome:
    """How the copies of these snapshots are encrypted in a region; `default` is EBS's encryption by default there.

    Raises AwsFault for a key without encryption, and for a copy in clear of what is encrypted.
    """
    if asked.key and not asked.encrypted:
        raise AwsFault(
            "InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set."
        )
    secret = [each for each in sources if each.encrypted]
    if secret and asked.encrypted is False:
        what = f"Snapshot {secret[0].id} is encrypted. "
        raise AwsFault(
            "InvalidParameterValue", what + "Creating an unencrypted copy from an encrypted snapshot is not supported."
        )
    always, usual = default
    if not (secret or asked.encrypted or always):
        return Outcome()
    wanted = asked.key or usual
    key = key_named(wanted, account, region) if wanted else ebs_key(account, region)
    if key is None or key.region != region or key.key_spec != "SYMMETRIC_DEFAULT":
        return Outcome(key.arn if key is not None else wanted, INACCESSIBLE)
    principal = acting(account)
    used = {str(each.kms_key_id) for each in secret} | {str(key.arn)}
    closed = any(copy_refused(principal, each, region) for each in used)
    return Outcome(str(key.arn), INACCESSIBLE if closed else None)
