"""Why a role may not be assumed with a CI job's token: what the token says of the job, and which condition it misses.

The token is read, not verified, and never shown as a whole: STS decides, this only explains.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import LackError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.exceptions import ClientError

OPERATION = "AssumeRoleWithWebIdentity"
#: What AWS's own actions and SDKs ask tokens for.
_AUDIENCE = "sts.amazonaws.com"
#: Characters of a claim that are shown.
_LONGEST = 200
#: What is asked of a token's file: more is none.
_MOST = 1 << 16


class RoleRefused(LackError):
    """STS does not let the token of this job assume its role; the hint says which condition it probably misses."""


def refused(error: ClientError, variables: Mapping[str, str] = os.environ) -> RoleRefused:
    """What STS's answer to AssumeRoleWithWebIdentity means, with the claims of the token that a variable names."""
    said = error.response.get("Error", {})
    code, message = said.get("Code", ""), said.get("Message", "")
    role = variables.get("AWS_ROLE_ARN") or "the role of the profile"
    claims = claims_of(_token(variables.get("AWS_WEB_IDENTITY_TOKEN_FILE", "")))
    return RoleRefused(
        f"{role} may not be assumed with the token of this job: {message} ({code})", hint=_hint(code, message, claims)
    )


def claims_of(token: str) -> dict[str, str]:
    """The texts among a JSON Web Token's claims (RFC 7519), unverified; empty for what is no such token."""
    parts = token.strip().split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return {}
    try:
        claims: Any = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    if not isinstance(claims, dict):
        return {}
    if isinstance(claims.get("aud"), list):
        claims["aud"] = " ".join(map(str, claims["aud"]))
    return {str(name): value[:_LONGEST] for name, value in claims.items() if isinstance(value, str)}


def _token(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read(_MOST)
    except (OSError, ValueError):
        return ""


def _hint(code: str, message: str, claims: Mapping[str, str]) -> str:
    shown = ", ".join(f"{name}={claims[name]}" for name in ("iss", "aud", "sub") if name in claims)
    says = f"the token says {shown}" if shown else "the token cannot be read (AWS_WEB_IDENTITY_TOKEN_FILE)"
    if code == "ExpiredTokenException":
        return "such a token lasts some minutes: ask for it right before `ami`, or assume the role in a step of its own"
    if code == "InvalidIdentityToken" and "provider" in message.lower():
        return f"the account needs an OIDC provider for {claims.get('iss', 'the issuer')}; {says}"
    return f"{says}. {_condition(claims)}" if claims else f"{says}; compare it with the role's trust policy"


def _condition(claims: Mapping[str, str]) -> str:
    """Which condition of a trust policy the token probably misses."""
    audience, subject = claims.get("aud", ""), claims.get("sub", "")
    if audience and audience != _AUDIENCE:
        return f"The condition on `aud` probably asks for {_AUDIENCE}: ask for a token with this audience"
    if subject.endswith(":pull_request"):
        return "The condition on `sub` probably names a branch or an environment: a pull request has neither"
    if ":environment:" in subject:
        return "The condition on `sub` probably names a branch: a job with an environment has that in its place"
    if ":ref:" in subject or "ref_type" in subject:
        return "The condition on `sub` probably names another branch, another repository, or an environment"
    return "The role's trust policy must name this issuer as its provider, and this `sub` in its condition"
