"""`ami bootstrap`: the template is one that CloudFormation takes, follows the environment, and trusts nobody else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.bootstrap.template import text_of
from tests.cli.in_process import typed

AMI_YML = """\
name: shop
sources:
  debian-12:
    filter: {name: "debian-12-amd64-*", owner: "136693071363"}
    ssh_username: admin
  al2023:
    ssm_parameter: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64
    ssh_username: ec2-user
layers: [base]
"""
PLAIN = 'region = "eu-central-1"\n'
FULL = """\
region = "eu-central-1"
regions = ["eu-west-1"]
artifact_bucket = "acme-images"
iam_instance_profile = "image-validation"
kms_key_id = "alias/images"
ssh_interface = "session_manager"
secret_vars = { a = "ssm:/prod/db", b = "secretsmanager:prod/api#token" }
"""
GITHUB = "token.actions.githubusercontent.com"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "ami.yml").write_text(AMI_YML)
    environments = tmp_path / "packer/environments"
    environments.mkdir(parents=True)
    (environments / "dev.pkrvars.hcl").write_text(PLAIN)
    (environments / "prod.pkrvars.hcl").write_text(FULL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class _Printed:
    """What `ami bootstrap --json` prints."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str) -> dict[str, Any]:
        assert typed(self._monkeypatch, "bootstrap", *arguments, "--json") == 0
        template: dict[str, Any] = json.loads(self._capsys.readouterr().out)["template"]
        return template


@pytest.fixture
def printed(shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> _Printed:  # noqa: ARG001 - where it is typed
    return _Printed(monkeypatch, capsys)


def sids(template: dict[str, Any], policy: str) -> set[str]:
    document = template["Resources"][policy]["Properties"]["PolicyDocument"]
    return {each["Sid"] for each in document["Statement"]}


def conditions(template: dict[str, Any], role: str) -> dict[str, Any]:
    statements = template["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    (found,) = [each["Condition"] for each in statements if each.get("Sid") == "Pipelines"]
    return dict(found)


def test_templates_pass_cfn_lint(printed: _Printed, tmp_path: Path) -> None:
    """At its strictest, informational findings too; one start for all."""
    asked = {
        "plain": ("dev",),
        "full": ("prod", "--github", "acme/images", "--team", "portal=acme/portal", "--team", "shop"),
        "gitlab": ("dev", "--gitlab", "acme/platform/images", "--oidc-provider", "arn:aws:iam::1:oidc-provider/x"),
        "removable": ("prod", "--removable", "--github", "acme@12/images@34"),
    }
    paths = []
    for name, arguments in asked.items():
        paths.append(tmp_path / f"{name}.yml")
        paths[-1].write_text(text_of(printed(*arguments)))
    argv = [str(Path(sys.executable).with_name("cfn-lint")), "-c", "I", "-r", "eu-central-1", "--", *map(str, paths)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_yaml_is_the_same_template(shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:  # noqa: ARG001
    """Short forms and all; and it fits into a call (51,200 bytes)."""
    assert typed(monkeypatch, "bootstrap", "prod", "--github", "acme/images") == 0
    text = capsys.readouterr().out

    class Loader(yaml.SafeLoader):
        pass

    def long_form(loader: Any, suffix: str, node: Any) -> Any:
        value = loader.construct_scalar(node)
        name = suffix if suffix == "Ref" else f"Fn::{suffix}"
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}

    Loader.add_multi_constructor("!", long_form)
    assert typed(monkeypatch, "bootstrap", "prod", "--github", "acme/images", "--json") == 0
    assert yaml.load(text, Loader) == json.loads(capsys.readouterr().out)["template"]  # noqa: S506
    assert len(text.encode()) < 51_200


def test_what_an_environment_does_not_use_is_not_allowed(printed: _Printed) -> None:
    plain, full = printed("dev"), printed("prod")
    more = {"EncryptCopies", "FingerprintSecrets", "ReadSecrets", "ReadSecretParameters", "SeeSessions", "EndSessions"}
    more |= {"EncryptImages", "SeeKey", "LendKeyToEbs", "ForwardPort"}
    assert sids(full, "BuilderPolicy") - sids(plain, "BuilderPolicy") == more
    assert "SpotCapacity" not in sids(full, "BuilderPolicy")


def test_names_of_the_environment_are_used(printed: _Printed) -> None:
    full, text = printed("prod"), json.dumps(printed("prod"))
    assert full["Resources"]["Bucket"]["Properties"]["BucketName"] == "acme-images"
    assert full["Resources"]["KeyAlias"]["Properties"]["AliasName"] == "alias/images"
    assert full["Resources"]["MachineProfile"]["Properties"]["InstanceProfileName"] == "image-validation"
    assert "secret:prod/api-??????" in text
    assert "ssm:*:${AWS::AccountId}:parameter/prod/db" in text
    assert "ssm:*::parameter/aws/service/ami-amazon-linux-latest/" in text


def test_bucket_and_key_stay_unless_they_may_go(printed: _Printed) -> None:
    for arguments, policy in (((), "Retain"), (("--removable",), "Delete")):
        resources = printed("dev", *arguments)["Resources"]
        assert {resources[name]["DeletionPolicy"] for name in ("Bucket", "Key")} == {policy}


def test_a_key_that_is_there_is_used(shop: Path, printed: _Printed) -> None:
    arn = "arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012"
    path = shop / "packer/environments/prod.pkrvars.hcl"
    path.write_text(FULL.replace("alias/images", arn))
    template = printed("prod")
    assert not {"Key", "KeyAlias"} & set(template["Resources"])
    assert arn in json.dumps(template["Resources"]["Bucket"])


def test_pipelines_are_compared_exactly(printed: _Printed) -> None:
    """By audience and subject: another branch, repository or event builds nothing."""
    template = printed("dev", "--github", "acme/images", "--branch", "release", "--team", "portal=acme/portal")
    parameters = {name: each["Default"] for name, each in template["Parameters"].items()}
    assert parameters == {"Repository": "acme/images", "Branch": "release"}
    of_branch = {"Fn::Sub": "repo:${Repository}:ref:refs/heads/${Branch}"}
    of_proposal = {"Fn::Sub": "repo:${Repository}:pull_request"}
    audience = {f"{GITHUB}:aud": "sts.amazonaws.com"}
    assert conditions(template, "Builder") == {"StringEquals": {**audience, f"{GITHUB}:sub": [of_branch]}}
    assert conditions(template, "Reader") == {"StringEquals": {**audience, f"{GITHUB}:sub": [of_branch, of_proposal]}}
    subjects = ["repo:acme/portal:ref:refs/heads/release"]
    assert conditions(template, "TeamPortal") == {"StringEquals": {**audience, f"{GITHUB}:sub": subjects}}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("prd",), "no environment 'prd' in {root}/packer/environments (did you mean 'prod'?)"),
        (("dev", "--github", "acme"), "'acme' is no repository of GitHub"),
        (("dev", "--github", "acme/images/more"), "'acme/images/more' is no repository of GitHub"),
        (("dev", "--github", "acme/*"), "'acme/*' is no repository of GitHub"),
        (("dev", "--gitlab", "images"), "'images' is no repository of GitLab"),
        (("dev", "--github", "acme/images", "--branch", "*"), "'*' is no branch"),
        (("dev", "--github", "a/b", "--gitlab", "a/b"), "--github and --gitlab are for one repository"),
        (("dev", "--team", "portal=acme/portal"), "'portal=acme/portal' names a repository of no host"),
        (("dev", "--team", "The Portal"), "'The Portal' cannot be part of a role's name"),
    ],
)
def test_what_is_written_wrong(
    arguments: tuple[str, ...], said: str, shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert typed(monkeypatch, "bootstrap", *arguments) == 2
    assert f"error: {said.format(root=shop)}\n" in capsys.readouterr().err


def test_an_environment_without_a_region(shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    (shop / "packer/environments/dev.pkrvars.hcl").write_text('profile = "images"\n')
    assert typed(monkeypatch, "bootstrap", "dev") == 2
    assert "packer/environments/dev.pkrvars.hcl" in (said := capsys.readouterr().err)
    assert "region" in said
