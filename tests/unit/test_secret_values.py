"""Secrets read from where they are, and how they count."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from orchestrator import masks, secret_key
from orchestrator.aws.account import Account
from orchestrator.definition.secret import parse
from orchestrator.definition.workspace import load
from orchestrator.errors import DefinitionError, StageError
from orchestrator.secret_store import NoValue, value_of
from orchestrator.secret_values import Secrets, learn_masks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNT = Account("us-east-1", access_key="test", secret_key="test")
AMI_YML = """\
name: factory
default_environment: lab
masks: [SHORT_TOKEN, LONG_TOKEN]
sources: {debian: {ami_id: ami-0123456789abcdef0, ssh_username: admin}}
layers: [base]
"""
IMAGE = """\
name: web
description: DESCRIPTION
owner: {team: portal, email: portal@example.com}
from: debian
tags: {note: TAG}
layers:
  - base:
      vars:
        first: {secret: env:FIRST_SECRET}
        second: [{secret: "ssm:/nowhere"}]
"""


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(masks, "_LEARNED", set())
    with mock_aws():
        yield


def workspace_with(root: Path, **words: str) -> Any:
    text = IMAGE
    for word, value in {"DESCRIPTION": "a server", "TAG": "none", **words}.items():
        text = text.replace(word, value)
    files = {
        "ami.yml": AMI_YML,
        "packer/images/web.yml": text,
        "playbooks/base.yml": "[]\n",
        "playbooks/seal.yml": "[]\n",
    }
    files |= {"roles/seal/tasks/main.yml": "[]\n"}
    files["packer/environments/lab.pkrvars.hcl"] = 'region = "us-east-1"\naccess_key = "test"\nsecret_key = "test"\n'
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return load(root)


def said(reference: str) -> str:
    with pytest.raises(NoValue) as raised:
        value_of(parse(reference), ACCOUNT)
    return raised.value.what


def test_value_when_it_is_in_an_account() -> None:
    ssm, manager = ACCOUNT.client("ssm"), ACCOUNT.client("secretsmanager")
    ssm.put_parameter(Name="/good", Value="pass,word\n", Type="SecureString")
    ssm.put_parameter(Name="/clear", Value="password", Type="String")
    manager.create_secret(Name="text", SecretString=json.dumps({"password": "pa55word", "port": 5432, "no": None}))
    manager.create_secret(Name="bytes", SecretBinary=b"\0\1")
    assert value_of(parse("ssm:/good"), ACCOUNT) == "pass,word\n"
    assert value_of(parse("secretsmanager:text#password"), ACCOUNT) == "pa55word"
    assert value_of(parse("secretsmanager:text#port"), ACCOUNT) == "5432"
    assert said("ssm:/clear") == "the parameter /clear is a String, and no SecureString: it is kept in clear text"
    assert said("ssm:/none") == "there is no parameter /none in us-east-1"
    assert said("secretsmanager:none") == "there is no secret none in us-east-1"
    assert said("secretsmanager:bytes") == "the secret bytes holds bytes, and no text"
    assert said("secretsmanager:text#pass") == "the secret text has no key 'pass'"
    assert said("secretsmanager:text#no") == "the secret text has no text under the key 'no'"


def test_value_when_it_is_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken out: no program that is started inherits it."""
    import os  # noqa: PLC0415

    monkeypatch.setenv("FIRST_SECRET", "a-secret")
    assert [value_of(parse("env:FIRST_SECRET"), ACCOUNT) for _ in range(2)] == ["a-secret"] * 2
    assert "FIRST_SECRET" not in os.environ
    monkeypatch.setenv("FIRST_SECRET", "")
    assert said("env:FIRST_SECRET") == "the environment variable FIRST_SECRET is empty"
    assert said("env:NEVER_SET") == "the environment variable NEVER_SET is not set"
    monkeypatch.setenv("FIRST_SECRET", "abc")
    assert said("env:FIRST_SECRET").startswith("env:FIRST_SECRET has 3 characters: a secret of less than 4")


def test_secrets_when_some_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are told at once with their lines; a plan takes them as changed."""
    monkeypatch.setenv("FIRST_SECRET", "")
    workspace = workspace_with(tmp_path)
    with pytest.raises(DefinitionError) as raised:
        Secrets(workspace, workspace.environment()).of_images(["web"])
    assert [(one.line, one.what) for one in raised.value.problems] == [
        (9, "the environment variable FIRST_SECRET is empty"),
        (10, "there is no parameter /nowhere in us-east-1"),
    ]
    assert raised.value.hint.startswith("aws ssm put-parameter")
    lenient = Secrets(workspace, workspace.environment(), strict=False).of_images(["web"])
    assert len(lenient.unknown) == 2
    assert lenient.counted("second", [{"secret": "ssm:/nowhere"}]) != lenient.counted(
        "second", [{"secret": "ssm:/nowhere"}]
    )


def test_secrets_when_one_stands_where_everybody_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST_SECRET", "top secret")
    ACCOUNT.client("ssm").put_parameter(Name="/nowhere", Value="another", Type="SecureString")
    workspace = workspace_with(tmp_path, DESCRIPTION="has the top secret", TAG="another")
    with pytest.raises(DefinitionError) as raised:
        Secrets(workspace, workspace.environment()).of_images(["web"])
    assert [(one.line, one.what.partition(" holds")[0]) for one in raised.value.problems] == [
        (2, "the description"),
        (5, "the tag 'note'"),
    ]


def test_counted_when_value_key_or_name_differ() -> None:
    """The value decides and not where it is; nobody without the key can try values."""
    key = secret_key.FingerprintKey("k" * 32)
    digests = {key.digest("a", "x"), key.digest("a", "y"), key.digest("b", "x")}
    digests.add(secret_key.FingerprintKey("l" * 32).digest("a", "x"))
    assert len(digests) == 4


def test_key_when_it_is_made() -> None:
    """The first build writes it; two at once do not both; every machine reads the same."""
    first, second = secret_key.read(ACCOUNT), secret_key.read(ACCOUNT)
    first.keep(ACCOUNT)
    with pytest.raises(StageError, match="at the same time"):
        second.keep(ACCOUNT)
    digests = {key.digest("a", "x") for key in (first, secret_key.read(ACCOUNT), secret_key.read(ACCOUNT))}
    assert len(digests) == 1


def test_masks_when_a_value_is_too_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be hidden, and that is said; an empty one needs no hiding."""
    workspace = workspace_with(tmp_path)
    monkeypatch.setenv("SHORT_TOKEN", "")
    monkeypatch.setenv("LONG_TOKEN", "long-token")
    learn_masks(workspace)
    assert masks.hide("a long-token") == "a ********"
    monkeypatch.setenv("SHORT_TOKEN", "abc")
    with pytest.raises(DefinitionError) as raised:
        learn_masks(workspace)
    (problem,) = raised.value.problems
    assert (problem.path.name, problem.line) == ("ami.yml", 3)
    assert problem.what.startswith("the value of SHORT_TOKEN has 3 characters: less than 4 cannot be hidden")


def test_digests_of_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine that reads the same value has the same digest, and one that reads another has not; no value is
    in it.
    """
    workspace, reference = workspace_with(tmp_path), parse("env:FAR_SECRET")
    found = []
    for value in ("far away", "far away", "elsewhere"):
        monkeypatch.setenv("FAR_SECRET", value)
        secrets = Secrets(workspace, workspace.environment()).of_references([reference])
        found.append(secrets.digests())
        secrets.keep_key()
        secrets.keep_key()  # once more is nothing: it is there
    assert found[0] == found[1] != found[2]
    assert found[0].keys() == {"env:FAR_SECRET"}
    assert "far away" not in str(found)


def test_references_when_one_is_not_there(tmp_path: Path) -> None:
    """Each is told at its lines."""
    workspace = workspace_with(tmp_path)
    with pytest.raises(DefinitionError) as raised:
        Secrets(workspace, workspace.environment()).of_references([parse("ssm:/nowhere")])
    assert "packer/images/web.yml:10: there is no parameter /nowhere" in raised.value.message
