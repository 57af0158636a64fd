from __future__ import annotations

from typing import Any, cast

from botocore.exceptions import ClientError, NoRegionError

from orchestrator.aws.account import Account, told


def test_what_aws_says_is_one_line_without_botocores_own_words() -> None:
    """How often botocore has tried is no matter: it is not botocore that tries again."""
    said: Any = {
        "Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"},
        "ResponseMetadata": {"MaxAttemptsReached": True},
    }
    error = ClientError(said, "SendCommand")
    assert told(error) == "SendCommand: Rate exceeded (ThrottlingException)"
    assert told(NoRegionError()) == "You must specify a region."


def test_account_when_it_is_printed_shows_no_secret_key() -> None:
    """As in a trace, or in a message of pytest."""
    assert "wJalrXUtnFEMI" not in repr(Account("us-east-1", access_key="AKIAIOSFODNN7", secret_key="wJalrXUtnFEMI"))


def test_client_when_another_account_has_one() -> None:
    """The model of a service, which takes a tenth of a second to read, is read once for all accounts."""
    one, other = (
        cast("Any", Account(region, access_key="AKIAIOSFODNN7", secret_key="wJalrXUtnFEMI").client("ec2"))
        for region in ("us-east-1", "eu-west-1")
    )
    assert one.meta.region_name != other.meta.region_name
    assert one.meta.service_model._service_description is other.meta.service_model._service_description
