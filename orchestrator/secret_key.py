"""The key with which secrets enter fingerprints: one for each account and region, kept as a SecureString parameter.

Fingerprints are public: tags tell them. Without the key nobody can try values against one. See
docs/decisions/0021-secrets.md.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError, error_code
from orchestrator.errors import LackError, StageError

if TYPE_CHECKING:
    from orchestrator.aws.account import Account

#: The parameter. A new value gives every secret a new digest: what holds one is built anew.
PARAMETER = "/ami/fingerprint-key"


@dataclass(frozen=True)
class FingerprintKey:
    """The key of one account and region. A new one is written before anything is built with it."""

    #: 64 hexadecimal digits.
    key: str = field(repr=False)
    #: The account has none yet.
    new: bool = False

    def digest(self, name: str, value: str) -> str:
        """HMAC-SHA256 of a variable's value. The name is in it, so that equal values of two variables do not show."""
        return hmac.new(self.key.encode(), f"{name}\0{value}".encode(), hashlib.sha256).hexdigest()

    def keep(self, account: Account) -> None:
        """Write a new key. Raises StageError when another run wrote one since, LackError when AWS refuses."""
        if not self.new:
            return
        try:
            account.client("ssm").put_parameter(
                Name=PARAMETER,
                Value=self.key,
                Type="SecureString",
                Overwrite=False,
                Description="With it secret variables enter the fingerprints of AMIs. Do not change it.",
            )
        except AwsError as error:
            if error_code(error) == "ParameterAlreadyExists":
                raise StageError(f"another run wrote {PARAMETER} at the same time", hint="run it again") from None
            raise LackError(f"{PARAMETER} cannot be written: {error}", hint="allow ssm:PutParameter") from error


def read(account: Account) -> FingerprintKey:
    """The account's key, or one that is not written yet. Raises AwsError."""
    try:
        found = account.client("ssm").get_parameter(Name=PARAMETER, WithDecryption=True)["Parameter"]["Value"]
    except AwsError as error:
        if error_code(error) != "ParameterNotFound":
            raise
        return FingerprintKey(secrets.token_hex(32), new=True)
    return FingerprintKey(str(found))
