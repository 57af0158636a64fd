"""What people write about secrets: references that mean something, and mistakes at their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.definition.secret import Reference, Store, filled, parse, references_in
from orchestrator.definition.workspace import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WEB = """\
name: web
description: nginx for the portal
owner: {team: portal, email: portal@example.com}
from: golden
layers:
  - workload:
      roles: [nginx]
      vars:
        nginx_workers: VALUE
"""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("env:DB_PASSWORD", Reference(Store.ENV, "DB_PASSWORD")),
        ("ssm:/prod/db", Reference(Store.SSM, "/prod/db")),
        ("ssm:/prod/db:3", Reference(Store.SSM, "/prod/db:3")),
        ("secretsmanager:prod/db", Reference(Store.SECRETS_MANAGER, "prod/db")),
        ("secretsmanager:prod/db#pass word", Reference(Store.SECRETS_MANAGER, "prod/db", "pass word")),
    ],
)
def test_parse_when_it_is_a_reference(written: str, expected: Reference) -> None:
    assert (parse(written), str(parse(written))) == (expected, written)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (
            "{secret: DB_PASSWORD}",
            "'secret' says where the value is, and never holds it: env:NAME, ssm:NAME, secretsma",
        ),
        ("{secret: 17}", "'secret' says where the value is"),
        ("{secret: enw:DB}", "there are no secrets of the kind 'enw' (did you mean 'env'?): write env:NAME"),
        ("{secret: env:db-password}", "'env:db-password' is no reference to a secret: it needs the name of an env"),
        ("[{a: {secret: 'ssm:'}}]", "'ssm:' is no reference to a secret: it needs the name of a SecureString"),
    ],
)
def test_load_when_a_reference_refers_to_nothing(mistakes: Callable[..., list[str]], value: str, problem: str) -> None:
    """At its line, however deep it stands."""
    (told,) = mistakes({"packer/images/web.yml": WEB.replace("VALUE", value)})
    assert told.startswith(f"packer/images/web.yml:9: {problem}")


def test_load_when_a_tag_is_to_hold_a_secret(mistakes: Callable[..., list[str]]) -> None:
    tagged = WEB.replace("VALUE", "2") + "tags:\n  token: {secret: env:TOKEN}\n"
    assert any(
        told.startswith("packer/images/web.yml:11: a tag cannot hold a secret")
        for told in mistakes({"packer/images/web.yml": tagged})
    )


def test_load_when_an_environment_has_secrets(mistakes: Callable[..., list[str]], project: Callable[..., Path]) -> None:
    path = "packer/environments/lab.pkrvars.hcl"
    good = 'region = "us-east-1"\nsecret_vars = {\n  token = "env:TOKEN"\n}\n'
    assert load(project({path: good})).environment().secret_vars == {"token": "env:TOKEN"}
    assert mistakes({path: good.replace("env:", "evn:")})[0].startswith(
        f"{path}:3: 'token' there are no secrets of the kind 'evn' (did you mean 'env'?)"
    )
    assert mistakes({path: good + 'extra_vars = { token = "clear" }\n'}) == [
        f"{path}:3: 'token' is in 'extra_vars' too"
    ]


def test_filled_when_references_are_deep_inside() -> None:
    value: Any = {"user": "a", "list": [{"secret": "env:A"}, {"secret": "env:B", "other": 1}]}
    assert references_in(value) == (Reference(Store.ENV, "A"),)
    assert filled(value, str) == {"user": "a", "list": ["env:A", {"secret": "env:B", "other": 1}]}


def test_load_when_a_value_is_vaulted(project: Callable[..., Path]) -> None:
    """It stays encrypted, in the form in which Ansible takes it from JSON."""
    vaulted = "!vault |\n          $ANSIBLE_VAULT;1.1;AES256\n          6162"
    image = load(project({"packer/images/web.yml": WEB.replace("VALUE", vaulted)})).image("web")
    assert image.layers[0].vars == {"nginx_workers": {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n6162\n"}}
