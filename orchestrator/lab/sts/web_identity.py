"""Tokens of OpenID Connect, and the providers that an account trusts.

Source: IAM User Guide, "OIDC federation", "Create an OpenID Connect (OIDC) identity provider in IAM"; RFC 7519.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.iam.models import iam_backends

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Claims that trust policies can compare, as `ISSUER:claim`.
_CLAIMS = ("aud", "sub", "amr")
_PARTS = 3


@dataclass(frozen=True)
class WebIdentity:
    """Who a token is about, once its provider is known. Signatures are not checked: the lab asks nobody for keys."""

    provider: str
    """The ARN of the provider."""
    issuer: str
    """Without scheme, as condition keys begin with it."""
    subject: str
    audience: str
    claims: Mapping[str, str]

    @property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """The condition keys that it gives, in small letters."""
        return {f"{self.issuer}:{name}".lower(): (value,) for name, value in self.claims.items() if name in _CLAIMS}


def web_identity(token: str, account: str) -> WebIdentity:
    """Who a token is about, by the providers of an account. Raises AwsFault."""
    claims = _claims(token)
    issuer = str(claims.get("iss", ""))
    name = issuer.removeprefix("https://").rstrip("/")
    providers = iam_backends[account]["aws"].open_id_providers.values()
    provider = next((each for each in providers if each.url == name), None)
    if provider is None:
        raise _invalid(f"No OpenIDConnect provider found in your account for {issuer}")
    if float(claims.get("exp", 0)) <= time.time():
        now, end = int(time.time()), int(claims.get("exp", 0))
        what = f"Token expired: current date/time {now} must be before the expiration date/time {end}"
        raise AwsFault("ExpiredTokenException", what)
    audience = str(claims.get("aud", ""))
    if audience not in provider.client_id_list:
        raise _invalid("Incorrect token audience")
    texts = {key: str(value) for key, value in claims.items()}
    return WebIdentity(str(provider.arn), name, str(claims.get("sub", "")), audience, texts)


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    try:
        told = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError):
        told = None
    if len(parts) != _PARTS or not isinstance(told, dict):
        raise _invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
    return told


def _invalid(what: str) -> AwsFault:
    return AwsFault("InvalidIdentityToken", what)
