"""Keys of KMS by id, ARN or alias."""

from __future__ import annotations

from moto.kms.models import kms_backends


def key_arn(given: str, account: str, region: str) -> str:
    """The ARN of a key that is named by id, ARN or alias."""
    if given.startswith("arn:") and ":alias/" not in given:
        return given
    owner = given.split(":")[4] if given.startswith("arn:") else account
    keys = kms_backends[owner][region]
    alias = given.rpartition(":")[2]
    found = keys.get_key_id_from_alias(alias) if alias.startswith("alias/") else given
    return f"arn:aws:kms:{region}:{owner}:key/{found or given}"
