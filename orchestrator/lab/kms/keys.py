"""Finding a key by what a call names it: an id, an alias, or the ARN of either, also of another account.

An id or the name of an alias is one of the caller's account and region; a key or alias of another account is named by
its ARN (AWS KMS Developer Guide, "Key identifiers").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.kms.models import kms_backends

if TYPE_CHECKING:
    from moto.kms.models import Key, KmsBackend

#: The alias of the key with which EBS encrypts when nobody names one. AWS manages it, and it is never shared.
EBS = "alias/aws/ebs"


def place(wanted: str, account: str, region: str) -> tuple[str, str]:
    """The account and the region in which a call looks for a key."""
    parts = wanted.split(":")
    return (parts[4], parts[3]) if wanted.startswith("arn:") and len(parts) > 5 else (account, region)  # noqa: PLR2004


def key_named(wanted: str, account: str, region: str) -> Key | None:
    """The key that a call of an account in a region names, None when there is none."""
    tables = _tables(*place(wanted, account, region))
    name = wanted.rpartition(":")[2] if wanted.startswith("arn:") else wanted
    if name.startswith("alias/"):
        try:
            return tables.describe_key(name)
        except (KeyError, TypeError, AttributeError):
            # moto looks up the key of an alias that nobody has, in vain.
            return None
    return tables.keys.get(name.removeprefix("key/"))


def ebs_key(account: str, region: str) -> Key:
    """AWS's own key for EBS in an account and a region; made when it is first used, as on AWS."""
    return _tables(account, region).describe_key(EBS)


def managed_by_aws(key: Key) -> bool:
    """Whether AWS manages a key, so that no other account can ever use it."""
    return any(alias.startswith("alias/aws/") for alias in key.aliases)


def _tables(account: str, region: str) -> KmsBackend:
    return kms_backends[account][region]
