from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.aws import Account
from orchestrator.masks import mask_file, masks_of, values_of
from orchestrator.process import masked

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

KEY = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nq1w2e3r4t5\n-----END KEY-----\n"


def test_variables_that_are_not_set_hide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_ONE", "t0ken-0ne")
    monkeypatch.delenv("TOKEN_TWO", raising=False)
    assert masks_of(values_of(["TOKEN_ONE", "TOKEN_TWO"])) == ("t0ken-0ne",)


def test_lines_of_a_secret_are_hidden_too() -> None:
    """A log that is written line by line never has the whole."""
    assert masked("prefix: MIIEpAIBAAKCAQEA", masks_of([KEY])) == "prefix: ********"


def test_a_secret_that_another_begins_with_leaves_nothing_of_it() -> None:
    assert masked("x token-and-more x", masks_of(["token", "token-and-more"])) == "x ******** x"


def test_what_is_too_common_stays() -> None:
    assert masks_of(["", "no", "yes"]) == ()


@given(secret=st.text(min_size=4).filter(lambda text: len(text.strip()) >= 4))
def test_a_secret_is_found_within_json(secret: str) -> None:
    told = masked(json.dumps({"said": f"<{secret}>"}), masks_of([secret]))
    assert secret.strip() not in str(json.loads(told)["said"]) or secret.strip() in "<********>"


def test_a_file_is_masked_whatever_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    mask_file(file, ("s3cret",))
    assert not file.exists()
    file.write_bytes(b"caf\xe9 s3cret\n")
    mask_file(file, ("s3cret",))
    assert file.read_bytes() == b"caf\xe9 ********\n"


def test_keys_that_boto3_finds_are_secrets_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjEXAMPLETOKEN")
    secrets = ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEXAMPLETOKEN")
    assert Account("us-east-1").secrets == secrets


def test_a_profile_that_is_not_there_has_no_secrets() -> None:
    """Whoever asks AWS with it is told; this is no place to fail."""
    assert Account("us-east-1", profile="no-such-profile").secrets == ()
