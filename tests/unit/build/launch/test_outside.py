"""What a person has set for Packer and AWS, and what of it a build gets."""

from __future__ import annotations

import pytest

from orchestrator.aws.account import Account
from orchestrator.build.launch.outside import aws_variables, kept_out

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE")
ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
WAITS = ("AWS_POLL_DELAY_SECONDS", "AWS_MAX_ATTEMPTS", "AWS_TIMEOUT_SECONDS")
PASS = ("HOME", "PATH", "HTTPS_PROXY", "AWS_CA_BUNDLE", "AWS_REGION", "AWS_CONFIG_FILE", "SSH_AUTH_SOCK")
#: Whoever asks for plugins by these still gets them, checked.
PLUGINS = ("PACKER_PLUGIN_PATH", "PACKER_CONFIG_DIR")


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (Account("us-east-1"), {*WAITS, *ENDPOINTS}),
        (Account("us-east-1", profile="images"), {*WAITS, *ENDPOINTS, *KEYS}),
        (Account("us-east-1", access_key="AKIA", secret_key="secret-secret"), {*WAITS, *ENDPOINTS, *KEYS}),
        (Account("us-east-1", endpoint="http://127.0.0.1:4999"), {*WAITS, *ENDPOINTS}),
    ],
    ids=["own-credentials", "profile", "key", "endpoint"],
)
def test_what_would_lead_a_build_elsewhere_is_kept_out(account: Account, expected: set[str]) -> None:
    """A profile or key of the environment counts alone: Packer before the plugin's 1.8 would prefer the variables."""
    assert set(kept_out((*KEYS, *ENDPOINTS, *WAITS, *PASS, *PLUGINS), account)) == expected


def test_nothing_that_hcp_and_packer_read_reaches_a_build() -> None:
    names = ("HCP_PACKER_BUCKET_NAME", "HCP_CLIENT_SECRET", "PACKER_LOG", "PACKER_CONFIG", "PKR_VAR_region")
    assert kept_out(names, Account("us-east-1")) == tuple(sorted(names))
    assert aws_variables(Account("us-east-1"))["HCP_PACKER_REGISTRY"] == "off"


def test_endpoint_reaches_every_client() -> None:
    """Without one AWS itself is meant, whatever a profile says."""
    found = aws_variables(Account("us-east-1", endpoint="http://127.0.0.1:4999", access_key="lab", secret_key="x" * 20))
    assert found["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4999"
    assert "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" not in found
    of_aws = aws_variables(Account("us-east-1"))
    assert "AWS_ENDPOINT_URL" not in of_aws
    assert of_aws["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] == "true"


@pytest.mark.parametrize(
    ("secret", "is_variable"), [("lab", False), ("ami", False), ("1234567", False), ("12345678", True)]
)
def test_a_secret_that_may_be_part_of_an_id_is_no_variable_of_packers(secret: str, *, is_variable: bool) -> None:
    """Packer 1.15.1 and later replace every sensitive value in all that they print, artifacts' ids included."""
    found = aws_variables(Account("us-east-1", access_key="lab", secret_key=secret))
    expected = {} if is_variable else {"AWS_ACCESS_KEY_ID": "lab", "AWS_SECRET_ACCESS_KEY": secret}
    assert {name: value for name, value in found.items() if "KEY" in name} == expected
