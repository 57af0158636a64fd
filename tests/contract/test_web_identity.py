"""What AWS says of roles that pipelines assume by tokens of OpenID Connect. AWS itself would check signatures first."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.contract.people import document
from tests.contract.source import source

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import Contract

STS = "AWS Security Token Service API Reference"
ACTION = "AssumeRoleWithWebIdentity"
HOST = "token.actions.githubusercontent.com"
MAIN = "repo:acme/images:ref:refs/heads/main"


def token(**claims: Any) -> str:
    told = {"iss": f"https://{HOST}", "aud": "sts.amazonaws.com", "sub": MAIN, "exp": time.time() + 300, **claims}
    parts: tuple[dict[str, Any], ...] = ({"alg": "RS256"}, told, {})
    return ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts)


@pytest.fixture
def assume(aws: Contract) -> Callable[[str], Any]:
    """Assume a role that trusts the main branch of one repository."""
    if aws.endpoint is None:
        pytest.skip("nobody here signs tokens as GitHub")
    iam = aws.client("iam")
    provider = iam.create_open_id_connect_provider(Url=f"https://{HOST}", ClientIDList=["sts.amazonaws.com"])
    arn = provider["OpenIDConnectProviderArn"]
    aws.later(iam.delete_open_id_connect_provider, OpenIDConnectProviderArn=arn)
    equal = {f"{HOST}:aud": "sts.amazonaws.com", f"{HOST}:sub": MAIN}
    trust = document(
        {
            "Effect": "Allow",
            "Principal": {"Federated": arn},
            "Action": f"sts:{ACTION}",
            "Condition": {"StringEquals": equal},
        }
    )
    role = iam.create_role(RoleName=aws.name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    aws.later(iam.delete_role, RoleName=aws.name)
    sts = boto3.client("sts", "us-east-1", endpoint_url=aws.endpoint, config=Config(signature_version=UNSIGNED))
    return lambda given: sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="ci", WebIdentityToken=given)


@source(STS, f"{ACTION}: the caller needs no credentials, and gets those of the role")
def test_a_token_that_is_trusted(aws: Contract, assume: Callable[[str], Any]) -> None:
    given = assume(token())
    assert (given["SubjectFromWebIdentityToken"], given["Audience"]) == (MAIN, "sts.amazonaws.com")
    keys = given["Credentials"]
    who = boto3.client(
        "sts",
        "us-east-1",
        endpoint_url=aws.endpoint,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    ).get_caller_identity()
    assert who["Arn"].endswith(f":assumed-role/{aws.name}/ci")


@source("IAM User Guide", "Create a role for OpenID Connect federation: the condition on the subject")
def test_a_token_of_another_branch(assume: Callable[[str], Any]) -> None:
    with pytest.raises(ClientError, match=rf"AccessDenied.*Not authorized to perform sts:{ACTION}"):
        assume(token(sub="repo:acme/images:pull_request"))


@source(STS, f"{ACTION}, Errors: InvalidIdentityToken, ExpiredTokenException")
def test_a_token_that_is_not_good(assume: Callable[[str], Any]) -> None:
    wrong = {
        "InvalidIdentityToken.*Incorrect token audience": token(aud="https://gitlab.com"),
        "InvalidIdentityToken.*No OpenIDConnect provider found": token(iss="https://gitlab.com"),
        "InvalidIdentityToken.*not a valid JWT": "token",
        "ExpiredTokenException": token(exp=time.time() - 1),
    }
    for said, given in wrong.items():
        with pytest.raises(ClientError, match=said):
            assume(given)
