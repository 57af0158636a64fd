"""What a refused token is explained with."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from orchestrator.aws.account import refusal
from orchestrator.aws.web_identity import RoleRefused, claims_of, refused

if TYPE_CHECKING:
    from pathlib import Path

ISSUER = "https://token.actions.githubusercontent.com"
ROLE = "arn:aws:iam::123456789012:role/ami-builder"


def token(**claims: object) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256'})}.{part(claims)}.c2lnbmF0dXJl"


def answer(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "AssumeRoleWithWebIdentity")


@pytest.mark.parametrize(
    ("claims", "word"),
    [
        ({"aud": "https://github.com/org", "sub": "repo:org/images:ref:refs/heads/main"}, "`aud`"),
        ({"aud": ["sts.amazonaws.com"], "sub": "repo:org/images:pull_request"}, "a pull request has neither"),
        ({"aud": "sts.amazonaws.com", "sub": "repo:org/images:environment:prod"}, "a job with an environment"),
        ({"aud": "sts.amazonaws.com", "sub": "repo:org/images:ref:refs/heads/topic"}, "another branch"),
    ],
)
def test_refused_when_a_condition_fails(claims: dict[str, object], word: str, tmp_path: Path) -> None:
    """The hint has the claims and the likely condition, and never the token."""
    file = tmp_path / "token"
    file.write_text(written := token(iss=ISSUER, **claims))
    said = answer("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    error = refused(said, {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(file)})
    assert (error.exit_code, error.kind()) == (3, "role-refused")
    assert ROLE in error.message
    assert word in error.hint
    assert f"sub={claims['sub']}" in error.hint
    assert not any(part in error.message + error.hint for part in written.split("."))


def test_refused_when_the_account_has_no_provider(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(token(iss=ISSUER, sub="repo:org/images:pull_request"))
    said = answer("InvalidIdentityToken", "No OpenIDConnect provider found in your account for " + ISSUER)
    assert f"needs an OIDC provider for {ISSUER}" in refused(said, {"AWS_WEB_IDENTITY_TOKEN_FILE": str(file)}).hint


@pytest.mark.parametrize("text", ["", "a.b.c", "no token", "a.bnVsbA.c", "a.\u00e4.c"])
def test_claims_when_it_is_no_token(text: str) -> None:
    assert claims_of(text) == {}


def test_refusal_when_sts_refuses_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks AWS anything gets this error: credentials are asked for by the first call."""
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere")
    assert isinstance(refusal(answer("AccessDenied", "no")), RoleRefused)
