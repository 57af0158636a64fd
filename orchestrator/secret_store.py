"""Reads the value of one secret from where it is: an environment variable, Systems Manager, or Secrets Manager."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from orchestrator.aws.account import AwsError, error_code
from orchestrator.definition.secret import Reference, Store
from orchestrator.masks import SHORTEST

if TYPE_CHECKING:
    from orchestrator.aws.account import Account

_ABSENT = frozenset({"ParameterNotFound", "ParameterVersionNotFound", "ResourceNotFoundException"})

#: Values of environment variables that were read. They are taken out of the environment: programs that are started
#: (git, Packer, Ansible, pytest) inherit it.
_TAKEN: dict[str, str] = {}


class NoValue(Exception):
    """There is no such secret, or nothing that can be used as one: `what` without its value, and what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def value_of(reference: Reference, account: Account) -> str:
    """The value. Raises NoValue, and AwsError when AWS does not answer or refuses."""
    readers = {
        Store.ENV: lambda: _of_environment(reference.name),
        Store.SSM: lambda: _of_parameter(reference.name, account),
        Store.SECRETS_MANAGER: lambda: _of_secret(reference, account),
    }
    value = readers[reference.store]()
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise NoValue(f"{reference} is not UTF-8 text", "keep bytes in base64")
    if len(value.strip()) < SHORTEST:
        raise NoValue(
            f"{reference} has {len(value.strip())} characters: a secret of less than {SHORTEST} cannot be hidden, "
            "because it is part of many words"
        )
    return value


def _of_environment(name: str) -> str:
    if name in os.environ:
        _TAKEN[name] = os.environ.pop(name)
    if not _TAKEN.get(name):
        raise NoValue(f"the environment variable {name} is {'empty' if name in _TAKEN else 'not set'}")
    return _TAKEN[name]


def _of_parameter(name: str, account: Account) -> str:
    try:
        found = account.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
    except AwsError as error:
        if error_code(error) not in _ABSENT:
            raise
        hint = f"aws ssm put-parameter --region {account.region} --type SecureString --name {name} --value ..."
        raise NoValue(f"there is no parameter {name} in {account.region}", hint) from None
    if found["Type"] != "SecureString":
        what = f"the parameter {name} is a {found['Type']}, and no SecureString: it is kept in clear text"
        raise NoValue(what, "put it again with --type SecureString --overwrite")
    return str(found["Value"])


def _of_secret(reference: Reference, account: Account) -> str:
    try:
        found = account.client("secretsmanager").get_secret_value(SecretId=reference.name)
    except AwsError as error:
        if error_code(error) not in _ABSENT:
            raise
        hint = f"aws secretsmanager create-secret --region {account.region} --name {reference.name} --secret-string ..."
        raise NoValue(f"there is no secret {reference.name} in {account.region}", hint) from None
    if "SecretString" not in found:
        raise NoValue(f"the secret {reference.name} holds bytes, and no text", "keep bytes in base64")
    text = str(found["SecretString"])
    return _of_json(reference, text) if reference.key else text


def _of_json(reference: Reference, text: str) -> str:
    try:
        parsed: Any = json.loads(text)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise NoValue(f"the secret {reference.name} is no JSON object, and so has no key '{reference.key}'")
    value = parsed.get(reference.key)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        state = "no key" if reference.key not in parsed else "no text under the key"
        raise NoValue(f"the secret {reference.name} has {state} '{reference.key}'")
    return str(value)
